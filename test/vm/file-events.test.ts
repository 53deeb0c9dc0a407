import { appendFile, chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import { inGuest } from '../support/guest-shell.js';
import { Instance } from '../support/instance.js';
import { RunningProgram } from '../support/netns-program.js';
import { copyProgram } from '../support/vm/tool-image.js';
import { BUSYBOX, startMachine } from '../support/vm/started-machine.js';

/** Changes on the host, as containers see them that bind a folder of a share. */
/** inotifywait of the guest's own system, in a container. */
const INOTIFYWAIT = [
  '/guest/lib64/ld-linux-x86-64.so.2',
  '--library-path',
  '/guest/usr/lib/x86_64-linux-gnu',
  '/guest/usr/bin/inotifywait',
];
let instance: Instance;
let share: string;
let site: string;
let logs: RunningProgram;

beforeAll(async () => {
  instance = await Instance.create({ log: { level: 'debug' } });
  share = join(instance.directory, 'share');
  site = join(share, 'site');
  await mkdir(join(site, 'sub'), { recursive: true });
  await writeFile(join(site, 'f'), 'old\n');
  await writeFile(join(share, 'single.conf'), 'old\n');
  const added = await instance.mobyvm(['share', 'add', 'C', '--path', share]);
  expect(added.stderr).toBe('');
  await startMachine(instance);
  await watchInContainer('watcher', ['C:\\site:/w'], ['-r', '/w']);
  logs = new RunningProgram('docker', ['-H', `unix://${instance.socket}`, 'logs', '--follow', 'watcher']);
  await logs.line(/Watches established/, 120);
  await logged(/"share.events.ready"/);
  await logged(/"share.events.watching","count":1/);
}, 900_000);
afterAll(async () => {
  // First what is left behind if the set-up failed before there were logs.
  await instance[Symbol.asyncDispose]();
  await logs[Symbol.asyncDispose]();
});

/** Waits until the daemon's log has such a record. @param times how many */
async function logged(record: RegExp, times = 1): Promise<void> {
  const log = join(instance.directory, 'log/daemon.log');
  const check = async (): Promise<boolean> =>
    (await readFile(log, 'utf8')).split('\n').filter((line) => record.test(line)).length >= times;
  const { signal } = new AbortController();
  await waitFor(
    { title: `${String(record)} in the log`, timeoutSeconds: 120, hint: 'See the test.', check },
    signal,
  );
}

async function watchInContainer(
  name: string,
  binds: readonly string[],
  what: readonly string[],
): Promise<void> {
  const volumes = [...binds, '/:/guest:ro'].flatMap((bind) => ['-v', bind]);
  const format = ['--format', '%e %w%f %c'];
  await instance.docker([
    'run',
    '-d',
    '--name',
    name,
    ...volumes,
    BUSYBOX,
    ...INOTIFYWAIT,
    '-m',
    ...format,
    ...what,
  ]);
}

let markers = 0;

/** Does something on the host and returns what the container saw of it, without what reading causes. */
async function seen(change: () => Promise<unknown>, timeoutSeconds = 120): Promise<string[]> {
  const from = logs.lines.length;
  await change();
  const marker = `marker-${++markers}`;
  await mkdir(join(site, marker));
  await logs.line(new RegExp(` /w/${marker} `), timeoutSeconds, from);
  return logs.lines
    .slice(from)
    .filter((line) => !/^(OPEN|ACCESS|CLOSE_NOWRITE)|marker-/.test(line))
    .map((line) => line.replace(/ 0$/, ''));
}

/** `MOVED_FROM /w/a 7f` and `MOVED_TO /w/b 7f` as one text, if both have one cookie. */
function moves(lines: readonly string[]): string[] {
  const found: string[] = [];
  for (const line of lines) {
    const [event = '', from, cookie] = line.split(' ');
    if (!event.startsWith('MOVED_FROM')) continue;
    const to = lines.find((other) => other.startsWith('MOVED_TO') && other.endsWith(` ${cookie ?? ''}`));
    found.push(`${from ?? ''} -> ${to?.split(' ')[1] ?? ''}${event.includes('ISDIR') ? '/' : ''}`);
  }
  return found;
}

describe('a container that watches a folder of the host', () => {
  test('sees content, attributes and the end of writing', async () => {
    expect(await seen(() => appendFile(join(site, 'f'), 'new\n'))).toEqual([
      'MODIFY /w/f',
      'CLOSE_WRITE,CLOSE /w/f',
    ]);
    expect(await seen(() => chmod(join(site, 'f'), 0o600))).toEqual(['ATTRIB /w/f']);
  });

  test('finds the new content as soon as it sees the event', async () => {
    await seen(() => writeFile(join(site, 'f'), 'newer\n'));
    expect(await instance.docker(['exec', 'watcher', '/bin/cat', '/w/f'])).toBe('newer\n');
  });

  test('sees files and folders that are created and deleted', async () => {
    const created = await seen(async () => {
      await mkdir(join(site, 'sub/deep'));
      await writeFile(join(site, 'sub/ü b'), 'x');
    });
    expect(created).toEqual(
      expect.arrayContaining([
        'CREATE,ISDIR /w/sub/deep',
        'CREATE /w/sub/ü b',
        'CLOSE_WRITE,CLOSE /w/sub/ü b',
      ]),
    );
    const deleted = await seen(async () => {
      await rm(join(site, 'sub/ü b'));
      await rm(join(site, 'sub/deep'), { recursive: true });
    });
    expect(deleted).toEqual(expect.arrayContaining(['DELETE /w/sub/ü b', 'DELETE,ISDIR /w/sub/deep']));
  });

  test('sees a move as two events with one cookie, of folders as well', async () => {
    await seen(() => writeFile(join(site, 'a'), 'x'));
    expect(moves(await seen(() => rename(join(site, 'a'), join(site, 'sub/b'))))).toEqual([
      '/w/a -> /w/sub/b',
    ]);
    expect(moves(await seen(() => rename(join(site, 'sub'), join(site, 'moved'))))).toEqual([
      '/w/sub -> /w/moved/',
    ]);
    expect(await seen(() => appendFile(join(site, 'moved/b'), 'y'))).toContain('MODIFY /w/moved/b');
  });

  test('sees how an editor replaces a file', async () => {
    const lines = await seen(async () => {
      await writeFile(join(site, '.f.swp'), 'replaced\n');
      await rename(join(site, '.f.swp'), join(site, 'f'));
    });
    expect(moves(lines)).toEqual(['/w/.f.swp -> /w/f']);
    expect(await instance.docker(['exec', 'watcher', '/bin/cat', '/w/f'])).toBe('replaced\n');
  });

  test('sees what a container writes once, and not again from the host', async () => {
    const write = 'echo x >/w/own; mkdir /w/own-folder; rm /w/own; rmdir /w/own-folder; sleep 2';
    const lines = await seen(() =>
      instance.docker(['run', '--rm', '-v', 'C:\\site:/w', BUSYBOX, 'sh', '-c', write]),
    );
    for (const event of [
      'CLOSE_WRITE,CLOSE /w/own',
      'CREATE,ISDIR /w/own-folder',
      'DELETE /w/own',
      'DELETE,ISDIR /w/own-folder',
    ])
      expect(
        lines.filter((line) => line === event),
        event,
      ).toHaveLength(1);
  });

  test('is told to look again when there was too much', async () => {
    const script = 'cd "$1"; for i in $(seq 12000); do : >$i; done';
    await mkdir(join(site, 'many'));
    const lines = await seen(
      () => run('bash', ['-c', script, 'many', join(site, 'many')], { timeoutMs: 120_000 }),
      450,
    );
    const single = lines.filter((line) => line.startsWith('CREATE /w/many/')).length;
    if (single < 12_000) expect(lines).toContain('ATTRIB,ISDIR /w/many');
  }, 600_000);
});

test('a container that binds a single file sees its replacement', async () => {
  await watchInContainer('single', ['C:\\single.conf:/single.conf'], ['/single.conf']);
  const text = (): Promise<string> => instance.docker(['logs', 'single']);
  await logged(/"share.events.watching","count":2/);
  await writeFile(join(share, '.new'), 'new\n');
  await rename(join(share, '.new'), join(share, 'single.conf'));
  const check = async (): Promise<boolean> => (await text()).includes('DELETE_SELF /single.conf');
  const { signal } = new AbortController();
  await waitFor({ title: 'the event', timeoutSeconds: 180, hint: 'See the test.', check }, signal);
});

test('a development server that watches with chokidar sees a change without polling', async () => {
  // Node comes over the share: an image with it takes minutes to import under emulation.
  const tools = join(share, 'tools');
  await copyProgram(tools, process.execPath);
  for (const name of ['chokidar', 'readdirp'])
    await cp(resolve('node_modules', name), join(tools, 'node_modules', name), { recursive: true });
  await cp(resolve('test/fixtures/programs/dev-server.mjs'), join(tools, 'dev-server.mjs'));
  const libraries = '/tools/lib/x86_64-linux-gnu:/tools/usr/lib/x86_64-linux-gnu';
  const node = [
    '/tools/lib64/ld-linux-x86-64.so.2',
    '--library-path',
    libraries,
    `/tools${process.execPath}`,
  ];
  const binds = ['-v', 'C:\\tools:/tools:ro', '-v', 'C:\\site:/app'];
  await using output = new RunningProgram('docker', [
    ...['-H', `unix://${instance.socket}`, 'run', '--rm', '--name', 'dev-server', ...binds, BUSYBOX],
    ...[...node, '/tools/dev-server.mjs', '/app'],
  ]);
  // Node takes minutes to start under emulation, beside other work.
  await output.line(/^watching$/, 600);
  await appendFile(join(site, 'f'), 'reload\n');
  expect(await output.line(/^change /, 60)).toBe('change /app/f');
  await writeFile(join(site, 'page.html'), 'new\n');
  expect(await output.line(/^add /, 60)).toBe('add /app/page.html');
  await instance.docker(['rm', '--force', 'dev-server']);
}, 900_000);

test('without the module, changes are told by mode and time', async () => {
  const script = `
busybox nsenter -t 1 -m sh -c 'mkdir /run/none; mount --bind /run/none "/lib/modules/$(uname -r)/extra"'
for i in $(seq 20); do
  kill $(pidof share-events)
  rmmod mobyvm_fsnotify && break
  sleep 0.3
done
`;
  await inGuest(instance, BUSYBOX, script);
  await logged(/"mechanism":"touch"/);
  const lines = logs.lines.length;
  await appendFile(join(site, 'f'), 'touched\n');
  expect(await logs.line(/^(ATTRIB|MODIFY) \/w\/f/, 60, lines)).toBeDefined();
  expect((await readFile(join(site, 'f'), 'utf8')).endsWith('touched\n')).toBe(true);
});
