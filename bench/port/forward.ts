import { forwardTcp } from '../../src/proxy/port/tcp-forwarder.js';

/** `node forward.js ADDRESS TARGET PORT...`: our forwarder as a program. */
const [address = '', host = '', ...ports] = process.argv.slice(2);
for (const port of ports.map(Number))
  await forwardTcp({
    address,
    port,
    target: () => ({ address: host, port }),
    onTrouble: (event, reason) => process.stderr.write(`${event}: ${reason}\n`),
  });
process.stdout.write('ready\n');
