import { appendFile, chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import { compiledSource } from '../support/compiled.js';
import { inGuest } from '../support/guest-shell.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';
import { RunningProgram } from '../support/netns-program.js';

/** Changes on the host, as containers see them that bind a folder of an SMB share. */
const IMAGE = 'mobyvm-busybox';
const PROGRAM = resolve(import.meta.dirname, '../fixtures/programs/file-events.mjs');
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
let smbd: RunningProgram;
let host: RunningProgram;
let logs: RunningProgram;

beforeAll(async () => {
  // The relay to the host's own ports lets the guest reach what listens on the namespace's loopback address.
  instance = await Instance.create({ network: { hostLoopbackPorts: [445, 2373] } });
  share = join(instance.directory, 'share');
  site = join(share, 'site');
  await mkdir(join(site, 'sub'), { recursive: true });
  await writeFile(join(site, 'f'), 'old\n');
  await writeFile(join(share, 'single.conf'), 'old\n');
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  smbd = await startSmbd();
  host = await startHost();
  await inGuest(instance, IMAGE, MOUNT);
  await watchInContainer('watcher', ['/srv/share/site:/w'], ['-r', '/w']);
  logs = new RunningProgram('docker', ['-H', `unix://${instance.socket}`, 'logs', '--follow', 'watcher']);
  await logs.line(/Watches established/, 120);
  await host.line(/"share.events.ready"/, 60);
}, 900_000);
afterAll(async () => {
  for (const program of [logs, host]) await program[Symbol.asyncDispose]();
  await instance[Symbol.asyncDispose]();
  await smbd[Symbol.asyncDispose]();
});

const MOUNT = `
export PASSWD=mount-it-1
busybox nsenter -t 1 -m mkdir -p /srv/share
busybox nsenter -t 1 -m mount.cifs //10.0.75.1/C /srv/share -o username=mobyuser,noperm,vers=3.1.1,actimeo=1,closetimeo=0,file_mode=0777,dir_mode=0777
`;

function inNamespace(program: string, args: readonly string[]): RunningProgram {
  return new RunningProgram('ip', ['netns', 'exec', instance.namespace, program, ...args]);
}

async function startSmbd(): Promise<RunningProgram> {
  const folder = join(instance.directory, 'smb');
  const config = join(folder, 'smb.conf');
  const ownFolders = ['pid', 'lock', 'state', 'cache', 'private', 'ncalrpc'];
  for (const name of ownFolders) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  const settings = [
    '[global]',
    ...[
      'pid directory',
      'lock directory',
      'state directory',
      'cache directory',
      'private dir',
      'ncalrpc dir',
    ].map((setting, index) => `${setting} = ${folder}/${ownFolders[index] ?? ''}`),
    ...['interfaces = 127.0.0.1', 'bind interfaces only = yes', 'disable netbios = yes', 'smb ports = 445'],
    ...[`passdb backend = smbpasswd:${folder}/private/passwords`, `username map = ${folder}/users`],
    ...['log file = /dev/null', 'load printers = no', 'kernel oplocks = yes'],
    ...['[C]', `path = ${share}`, 'read only = no', 'force user = root', ''],
  ];
  await writeFile(config, settings.join('\n'));
  await writeFile(join(folder, 'users'), 'nobody = mobyuser\n');
  await run('smbpasswd', ['-c', config, '-L', '-s', '-a', 'nobody'], { input: 'mount-it-1\nmount-it-1\n' });
  return inNamespace('smbd', ['-F', '--no-process-group', '-s', config]);
}

async function startHost(): Promise<RunningProgram> {
  const owner = { uid: 0, gid: 0, fileMode: 0o777, directoryMode: 0o777 };
  const options = {
    token: (await readFile(join(instance.directory, 'state/token'), 'utf8')).trim(),
    address: '127.0.0.1',
    port: 2373,
    engine: instance.socket,
    serverPidFile: join(instance.directory, 'smb/pid/smbd.pid'),
    shares: [
      {
        id: 'C',
        name: 'C',
        hostPath: share,
        points: ['/srv/share'],
        isReadOnly: false,
        account: { kind: 'private' },
        owner,
      },
    ],
  };
  const started = inNamespace('node', [PROGRAM, await compiledSource(), JSON.stringify(options)]);
  await started.line(/"ready"/, 60);
  return started;
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
    IMAGE,
    ...INOTIFYWAIT,
    '-m',
    ...format,
    ...what,
  ]);
}

let markers = 0;

/** Does something on the host and returns what the container saw of it, without what reading causes. */
async function seen(change: () => Promise<unknown>): Promise<string[]> {
  const from = logs.lines.length;
  await change();
  const marker = `marker-${++markers}`;
  await mkdir(join(site, marker));
  await logs.line(new RegExp(` /w/${marker} `), 60, from);
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
      instance.docker(['run', '--rm', '-v', '/srv/share/site:/w', IMAGE, 'sh', '-c', write]),
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
    const lines = await seen(() =>
      run('bash', ['-c', script, 'many', join(site, 'many')], { timeoutMs: 120_000 }),
    );
    const single = lines.filter((line) => line.startsWith('CREATE /w/many/')).length;
    if (single < 12_000) expect(lines).toContain('ATTRIB,ISDIR /w/many');
  }, 600_000);
});

test('a container that binds a single file sees its replacement', async () => {
  await watchInContainer('single', ['/srv/share/single.conf:/single.conf'], ['/single.conf']);
  const text = (): Promise<string> => instance.docker(['logs', 'single']);
  const watching = (): Promise<boolean> =>
    Promise.resolve(host.lines.some((line) => line.includes('"share.events.watching","count":2')));
  const { signal } = new AbortController();
  await waitFor({ title: 'the watch', timeoutSeconds: 60, hint: 'See the test.', check: watching }, signal);
  await writeFile(join(share, '.new'), 'new\n');
  await rename(join(share, '.new'), join(share, 'single.conf'));
  const check = async (): Promise<boolean> => (await text()).includes('DELETE_SELF /single.conf');
  await waitFor({ title: 'the event', timeoutSeconds: 60, hint: 'See the test.', check }, signal);
});

test('without the module, changes are told by mode and time', async () => {
  const script = `
busybox nsenter -t 1 -m sh -c 'mkdir /run/none; mount --bind /run/none "/lib/modules/$(uname -r)/extra"'
for i in $(seq 20); do
  kill $(pidof share-events)
  rmmod mobyvm_fsnotify && break
  sleep 0.3
done
`;
  const from = host.lines.length;
  await inGuest(instance, IMAGE, script);
  await host.line(/"mechanism":"touch"/, 60, from);
  const lines = logs.lines.length;
  await appendFile(join(site, 'f'), 'touched\n');
  expect(await logs.line(/^(ATTRIB|MODIFY) \/w\/f/, 60, lines)).toBeDefined();
  expect((await readFile(join(site, 'f'), 'utf8')).endsWith('touched\n')).toBe(true);
});
