// In a container: prints `event NAME MILLISECONDS` for each inotify event of a folder, and answers each line of input by
// `clock MILLISECONDS`, so that the host can compare the clocks.
const { watch } = require('node:fs');

const now = () => (performance.timeOrigin + performance.now()).toFixed(3);
watch(process.argv[2], (_event, name) => process.stdout.write(`event ${name} ${now()}\n`));
process.stdin.on('data', () => process.stdout.write(`clock ${now()}\n`));
process.stdout.write('watching\n');
