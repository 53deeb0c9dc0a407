import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import { ENGINE_SERVER_NAME } from '../../src/proxy/engine/index.js';
import { compiledSource } from '../support/compiled.js';
import { compose } from '../support/compose.js';
import { inGuest } from '../support/guest-shell.js';
import { Instance } from '../support/instance.js';
import { RunningProgram } from '../support/netns-program.js';
import { Terminal } from '../support/terminal.js';
import { BUSYBOX, startMachine } from '../support/vm/started-machine.js';

/** The main job end to end: the whole life of one machine. The tests depend on each other, in this order. */
const PROGRAMS = resolve(import.meta.dirname, '../fixtures/programs');
/** What Testcontainers 11.14 asks for; it cannot be pulled here. */
const RYUK = 'testcontainers/ryuk:0.14.0';
/** Where clients in a container look for the engine. */
const TARGET = '/var/run/docker.sock';
let instance: Instance;

beforeAll(async () => {
  instance = await Instance.create();
  await startMachine(instance);
});
afterAll(() => instance[Symbol.asyncDispose]());

async function startedAt(container: string): Promise<string> {
  return (
    await instance.docker(['inspect', '-f', '{{.State.Running}} {{.State.StartedAt}}', container])
  ).trim();
}

describe('the docker client on the endpoint', () => {
  test('version shows both sides', async () => {
    expect(await instance.docker(['version'])).toMatch(/Client:[^]*Server:/);
  });

  test('run uses the kernel of the VM', async () => {
    const host = (await run('uname', ['-r'])).stdout.trim();
    const guest = (await instance.docker(['run', '--rm', BUSYBOX, 'uname', '-r'])).trim();
    expect(guest).not.toBe(host);
    expect(guest).toContain('cloud-amd64');
  });

  test('run -i reads all piped input and returns all output', async () => {
    const large = 'mobyvm '.repeat(300_000);
    expect(await instance.docker(['run', '--rm', '-i', BUSYBOX, 'cat'], { input: large })).toBe(large);
  });

  test('exec, logs -f and cp work on a running container', async () => {
    await instance.docker([
      'run',
      '-d',
      '--name',
      'talker',
      BUSYBOX,
      'sh',
      '-c',
      'echo one; until [ -e /go ]; do sleep 0.1; done; echo two',
    ]);
    expect((await instance.docker(['exec', 'talker', 'echo', 'inside'])).trim()).toBe('inside');
    const logs = instance.docker(['logs', '-f', 'talker']);
    await instance.docker(['exec', 'talker', 'sh', '-c', '>/go']);
    expect((await logs).split('\n')).toEqual(['one', 'two', '']);
    await instance.docker(['cp', '-', 'talker:/tmp'], { input: await tarOf('hello.txt', 'hello') });
    expect(await instance.docker(['cp', 'talker:/tmp/hello.txt', '-'])).toContain('hello');
    await instance.docker(['rm', '-f', 'talker']);
  });

  test('build creates an image from a context on standard input', async () => {
    const context = await tarOf(
      'Dockerfile',
      `FROM ${BUSYBOX}\nRUN echo built > /made\nCMD ["cat", "/made"]\n`,
    );
    await instance.docker(['build', '-t', 'made', '-'], {
      input: context,
      env: { ...process.env, DOCKER_BUILDKIT: '0' },
    });
    expect((await instance.docker(['run', '--rm', 'made'])).trim()).toBe('built');
  });

  test('save and load transfer an image', async () => {
    const archive = join(instance.directory, 'image.tar');
    await instance.docker(['save', '-o', archive, 'made']);
    await instance.docker(['rmi', '-f', 'made']);
    await instance.docker(['load', '-i', archive]);
    expect((await instance.docker(['run', '--rm', 'made'])).trim()).toBe('built');
  });

  test('a container reaches neither the engine nor the host, but resolves the name of the host', async () => {
    const reach = (address: string, port: string): Promise<string> =>
      instance.docker([
        'run',
        '--rm',
        BUSYBOX,
        'sh',
        '-c',
        `nc -w 3 ${address} ${port} </dev/null >/dev/null 2>&1; echo $?`,
      ]);
    expect((await reach('10.0.75.2', '2376')).trim()).not.toBe('0');
    expect(await instance.docker(['run', '--rm', BUSYBOX, 'nslookup', 'host.docker.internal'])).toContain(
      '10.0.75.1',
    );
  });
});

/** As users write it: abiosoft/colima#712, testcontainers-java#8170. */
describe("the engine's socket in a container", () => {
  test('is what DOCKER_HOST names, however it is written', async () => {
    const { socket } = instance;
    const mounts = [
      ['-v', `${socket}:${TARGET}`],
      ['--mount', `type=bind,source=${socket},target=/at1`],
      ['-v', `/${socket}:/at2:ro`],
      ['-v', '//var/run/docker.sock:/at3'],
      ['-v', '//./pipe/docker_engine:/at4'],
      ['-v', String.raw`\\.\pipe\mobyvm_engine:/at5`],
    ];
    const look = ['ls', '-ld', TARGET, '/at1', '/at2', '/at3', '/at4', '/at5'];
    const listing = await instance.docker(['run', '--rm', ...mounts.flat(), BUSYBOX, ...look]);
    expect(listing.match(/^s/gm)).toHaveLength(mounts.length);
  });

  test('is refused with the bind to use if it is written in a form that Linux does not have', async () => {
    for (const mount of [
      ['--mount', `type=npipe,source=\\\\.\\pipe\\docker_engine,target=${TARGET}`],
      ['-v', `unix://${instance.socket}:${TARGET}`],
    ]) {
      const result = run('docker', [
        '-H',
        `unix://${instance.socket}`,
        'run',
        '--rm',
        ...mount,
        BUSYBOX,
        'ls',
      ]);
      await expect(result, mount.join(' ')).rejects.toThrow(
        /-v \/\/var\/run\/docker\.sock:\/var\/run\/docker\.sock/,
      );
    }
  });
});

describe('Testcontainers, without any setting', () => {
  beforeAll(makeReaperImage);

  test('removes its containers by its reaper when the program that started them was killed', async () => {
    const args = [
      'netns',
      'exec',
      instance.namespace,
      process.execPath,
      join(PROGRAMS, 'testcontainers.mjs'),
    ];
    const environment = {
      DOCKER_HOST: `unix://${instance.socket}`,
      HOME: instance.directory,
      // On a host that itself looks like a container, Testcontainers would take Docker's default gateway for the host.
      ...(existsSync('/.dockerenv') ? { TESTCONTAINERS_HOST_OVERRIDE: 'localhost' } : {}),
    };
    await using program = new RunningProgram('ip', [...args, BUSYBOX, 'sleep', '1000000'], environment);
    const line = await program.line(/"event":"started"/, 120);
    const { id } = JSON.parse(line) as { id: string };
    const names = (): Promise<string> =>
      instance.docker(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Image}}']);
    expect(await names()).toContain(RYUK);
    expect(await names()).toContain(id);
    await program.stop('SIGKILL');
    const check = async (): Promise<boolean> => !(await names()).includes(id);
    const hint = 'See the log of the reaper.';
    await waitFor(
      { title: 'the container to be removed', timeoutSeconds: 120, hint, check },
      new AbortController().signal,
    );
  });
});

async function makeReaperImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-reaper-'));
  try {
    const source = join(PROGRAMS, 'reaper.c');
    await run('musl-gcc', ['-static', '-Os', '-s', '-o', join(folder, 'reaper'), source]);
    await run('tar', ['-C', folder, '-cf', join(folder, 'image.tar'), 'reaper']);
    const changes = ['-c', 'ENTRYPOINT ["/reaper"]', '-c', 'EXPOSE 8080'];
    await instance.docker(['import', ...changes, join(folder, 'image.tar'), RYUK]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('mobyvm shell', () => {
  const kinds = ['mnt', 'pid', 'net', 'uts', 'ipc'];

  test('is root in the namespaces of the VM, and leaves nothing in the engine', async () => {
    const listed = async (): Promise<readonly string[]> =>
      `${await instance.docker(['ps', '-aq'])}${await instance.docker(['images', '-aq'])}`.trim().split('\n');
    const before = await listed();
    const ids = kinds.flatMap((kind) => [`/proc/1/ns/${kind}`, `/proc/self/ns/${kind}`]);
    const { stdout, stderr } = await instance.mobyvm(['shell', '--', 'readlink', ...ids]);
    const names = stdout.trimEnd().split('\n');
    expect(names, stderr).toHaveLength(ids.length);
    for (let index = 0; index < names.length; index += 2) expect(names[index]).toBe(names[index + 1]);
    expect((await instance.mobyvm(['shell', '--', 'cat', '/proc/1/comm'])).stdout).toMatch(/init/);
    // Containers of earlier tests may still be on their way out.
    expect((await listed()).filter((id) => !before.includes(id))).toEqual([]);
  });

  test('keeps input, output, errors and the exit code apart', async () => {
    const script = 'sort; echo error >&2; exit 7\n';
    const sorted = await instance.mobyvm(['shell', '--', 'sh', '-c', script], { input: 'b\na\n' });
    expect(sorted).toMatchObject({ exitCode: 7, stdout: 'a\nb\n', stderr: 'error\n' });
  });

  test('has the size of the terminal, and passes Ctrl-C on', async () => {
    const mobyvm = join(import.meta.dirname, '../../bin/mobyvm');
    const env = { ...process.env, ...instance.env };
    await using terminal = await Terminal.start([mobyvm, 'shell'], { env, columns: 90, rows: 20 });
    await terminal.enter("stty size; echo 'i'n $(hostname)");
    await terminal.shows(/^20 90$[^]*^in moby$/m);
    await terminal.enter("echo 'be'gun; sleep 100000");
    await terminal.shows(/^begun$/m);
    await terminal.press('C-c');
    await terminal.enter('exit 5');
    await terminal.shows(/^left 5$/m);
  });
});

describe('a running machine', () => {
  test('is shown by status as text and as JSON', async () => {
    expect(await instance.status()).toMatchObject({ state: 'running', engine: { reachable: true } });
    const words = await instance.mobyvm(['status']);
    expect(words.exitCode).toBe(0);
    expect(words.stdout).toMatch(/^engine\s+Docker .* answers/m);
  });

  test('is not changed by a second up', async () => {
    const before = await instance.qemuPid();
    const { since } = await instance.status();
    const again = await instance.up();
    expect(await instance.status()).toMatchObject({ state: 'running', since });
    expect(again.stderr).toMatch(/^✓ \d+ steps .*unchanged: bridge/m);
    expect(again.stderr).toContain('virtual machine');
    expect(again.stderr).not.toContain('starting QEMU');
    expect(await instance.qemuPid()).toBe(before);
  });

  test('rejects a command with other paths, and is not changed by it', async () => {
    const other = join(instance.directory, 'other');
    for (const name of ['MOBYVM_STATE_DIR', 'MOBYVM_LOG_DIR', 'MOBYVM_SETTINGS']) {
      const env = { ...process.env, ...instance.env, [name]: other };
      for (const command of [instance.upCommand, ['down', '--stop'], ['restart']]) {
        const refused = await instance.mobyvm(command, { env });
        expect(refused.exitCode).toBe(1);
        expect(refused.stderr).toMatch(/MOBYVM_DAEMON_RUNNING/);
        expect(refused.stderr).toContain(`${name} is ${other}, but the daemon uses ${instance.env[name]}`);
      }
    }
    expect(await instance.status()).toMatchObject({ state: 'running' });
    expect(await readdir(instance.directory)).not.toContain('other');
  });

  test('whose sockets and lock were deleted is reachable again, and its streams continue', async () => {
    const run = join(instance.directory, 'run');
    const counting = [
      'run',
      '--rm',
      BUSYBOX,
      'sh',
      '-c',
      'for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done',
    ];
    const output = instance.docker(counting);
    const { pid } = (await instance.status())['daemon'] as { pid: number };
    for (const name of ['docker.sock', 'control.sock', 'daemon.lock']) await rm(join(run, name));
    await instance.untilState('running', 20);
    await instance.up();
    expect(await instance.status()).toMatchObject({ daemon: { pid } });
    expect(await instance.docker(['version', '-f', '{{.Server.Version}}'])).toMatch(/\d/);
    expect((await output).trim().split('\n')).toHaveLength(8);
  });

  test('survives kill -9 of the daemon: no container stops, and up adopts the VM', async () => {
    await instance.docker(['run', '-d', '--name', 'survivor', BUSYBOX, 'sleep', '100000']);
    const [qemu, started] = [await instance.qemuPid(), await startedAt('survivor')];
    process.kill(await instance.daemonPid(), 'SIGKILL');
    await instance.untilState('not-running', 20);
    await Promise.all([instance.up(), instance.up()]);
    expect(await instance.qemuPid()).toBe(qemu);
    expect(await startedAt('survivor')).toBe(started);
    await instance.docker(['rm', '-f', 'survivor']);
  });

  test('whose QEMU is killed is reported by status and by docker, and up recovers', async () => {
    process.kill(await instance.qemuPid(), 'SIGKILL');
    await instance.untilState('failed', 60);
    expect(await instance.status()).toMatchObject({ error: { code: 'MOBYVM_VM_DIED' } });
    await expect(instance.docker(['ps'])).rejects.toMatchObject({
      message: expect.stringContaining('mobyvm up') as string,
    });
    await instance.up();
    expect(await instance.status()).toMatchObject({ state: 'running' });
  });

  test('applies settings at once, or lists those that need a restart in up and status', async () => {
    const before = await instance.qemuPid();
    await instance.configure({ vm: { cpus: 1, diskGiB: 65 }, log: { level: 'debug' } });
    const up = await instance.up();
    expect(up.stderr).toContain('`mobyvm restart` applies: vm.cpus 2 → 1');
    expect(await instance.qemuPid()).toBe(before);
    expect(await instance.status()).toMatchObject({
      pending: [{ setting: 'vm.cpus', from: '2', to: '1' }],
    });
    expect(await daemonLog()).toContain('"level":"debug"');
    await instance.configure({});
    expect((await instance.up()).stderr).toContain('vm.diskGiB is 64, but the data disk has 65 GiB');
    expect((await instance.status())['pending']).toBeUndefined();
  });

  test('has its data and --restart=always containers after down and up, also with other firmware', async () => {
    await instance.docker(['volume', 'create', 'kept']);
    await instance.docker([
      'run',
      '--rm',
      '-v',
      'kept:/kept',
      BUSYBOX,
      'sh',
      '-c',
      'echo precious > /kept/file',
    ]);
    await instance.docker(['run', '-d', '--name', 'always', '--restart=always', BUSYBOX, 'sleep', '100000']);
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    // The same ISO boots with SeaBIOS until here and with OVMF from here on.
    await instance.configure({ vm: { firmware: 'uefi' } });
    await instance.up();
    expect(
      (await instance.docker(['run', '--rm', '-v', 'kept:/kept', BUSYBOX, 'cat', '/kept/file'])).trim(),
    ).toBe('precious');
    expect(await startedAt('always')).toMatch(/^true /);
  });

  test('keeps its data across restart', async () => {
    const before = await instance.qemuPid();
    await instance.configure({});
    expect((await instance.mobyvm(['restart'])).exitCode).toBe(0);
    expect(await instance.qemuPid()).not.toBe(before);
    expect(
      (await instance.docker(['run', '--rm', '-v', 'kept:/kept', BUSYBOX, 'cat', '/kept/file'])).trim(),
    ).toBe('precious');
  });
});

describe('Windows paths, where the drive is shared', () => {
  const through = async (args: readonly string[]): Promise<string> => {
    const host = `unix://${join(instance.directory, 'windows.sock')}`;
    return (await run('docker', ['-H', host, ...args], { timeoutMs: 180_000 })).stdout;
  };
  const read = ['cat', '/data/hello'];
  let endpoint: RunningProgram;

  beforeAll(async () => {
    // Stands in for a share: a folder created in the guest.
    await inGuest(instance, BUSYBOX, 'mkdir -p /C/site; echo "from the drive" >/C/site/hello\n');
    const tls = join(instance.directory, 'state/tls');
    const options = {
      path: join(instance.directory, 'windows.sock'),
      address: { host: '10.0.75.2', port: 2376 },
      credentials: {
        ca: join(tls, 'ca.pem'),
        cert: join(tls, 'client.pem'),
        key: join(tls, 'client-key.pem'),
      },
      servername: ENGINE_SERVER_NAME,
      sharedDrives: ['C'],
    };
    const script = join(import.meta.dirname, '../fixtures/programs/engine-endpoint.mjs');
    const program = [process.execPath, script, await compiledSource(), JSON.stringify(options)];
    endpoint = new RunningProgram('ip', ['netns', 'exec', instance.namespace, ...program]);
    await endpoint.line(/"event":"ready"/);
  });
  afterAll(async () => {
    await endpoint[Symbol.asyncDispose]();
    await rm(join(instance.directory, 'windows.sock'), { force: true });
  });

  test.each([
    ['-v', ['-v', 'C:\\site:/data:ro']],
    ['--mount', ['--mount', 'type=bind,source=C:\\site,target=/data']],
  ])('%s mounts the folder in the container, and inspect shows its path on the host', async (_, args) => {
    expect(await through(['run', '--name', 'bound', ...args, BUSYBOX, ...read])).toBe('from the drive\n');
    const format = ['--format', '{{range .Mounts}}{{.Source}}{{end}}'];
    expect(await through(['inspect', ...format, 'bound'])).toBe('C:\\site\n');
    await instance.docker(['rm', 'bound']);
  });

  test('a compose file with such paths works with up and down', async () => {
    const file = join(instance.directory, 'compose.yml');
    await writeFile(
      file,
      `version: "3.7"
services:
  app:
    image: ${BUSYBOX}
    command: cat /data/hello /more/hello
    volumes:
      - 'C:\\site:/data:ro'
      - { type: bind, source: 'C:\\site', target: /more }
`,
    );
    const env = {
      ...process.env,
      DOCKER_HOST: `unix://${join(instance.directory, 'windows.sock')}`,
      COMPOSE_FORCE_WINDOWS_HOST: '1',
    };
    const project = (...args: string[]) =>
      compose(['-f', file, '-p', 'mobyvmtest', ...args], { timeoutMs: 180_000, env });
    expect((await project('up')).stdout.match(/from the drive/g)).toHaveLength(2);
    const filter = ['--filter', 'name=mobyvmtest', '--no-trunc', '--format', '{{.Mounts}}'];
    expect(await through(['ps', '-a', ...filter])).toContain('C:\\site');
    await project('down');
    expect(await through(['ps', '-aq', ...filter.slice(0, 2)])).toBe('');
  });

  test('a volume of the local driver is stored on it', async () => {
    const options = ['type=none', 'o=bind', 'device=C:\\site'].flatMap((option) => ['--opt', option]);
    await through(['volume', 'create', ...options, 'site']);
    expect(await through(['run', '--rm', '-v', 'site:/data', BUSYBOX, ...read])).toBe('from the drive\n');
    await instance.docker(['volume', 'rm', 'site']);
  });
});

describe('down', () => {
  test('leaves no process, namespace, socket or ledger entry, and clients see the end', async () => {
    await using watcher = instance.start('status', '--watch', '--json');
    await watcher.line(/"state":"running"/);
    const down = await instance.mobyvm(['down', '--stop']);
    expect(JSON.parse(await watcher.line(/not-running.*:0/))).toEqual({ state: 'not-running', leftovers: 0 });
    process.kill(watcher.pid, 'SIGINT');
    expect(await watcher.exit).toBe(0);
    expect(down.exitCode, down.stderr).toBe(0);
    expect(await instance.processes()).toEqual([]);
    expect((await run('ip', ['netns', 'list'])).stdout).not.toContain(instance.namespace);
    const { stdout: sockets } = await run('find', [instance.directory, '-type', 's']);
    expect(sockets).toBe('');
    expect(await readdir(join(instance.directory, 'state'))).not.toContain('ledger.json');
    expect(await instance.status()).toEqual({ state: 'not-running', leftovers: 0 });
  });

  test('a second down has nothing to do', async () => {
    const again = await instance.mobyvm(['down', '--stop']);
    expect(again).toMatchObject({ exitCode: 0, stdout: 'mobyvm is not running.\n' });
  });
});

function daemonLog(): Promise<string> {
  return readFile(join(instance.directory, 'log/daemon.log'), 'utf8');
}

async function tarOf(name: string, content: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(instance.directory, 'tar-'));
  try {
    await writeFile(join(folder, name), content);
    await run('tar', ['-C', folder, '-cf', join(folder, 'out.tar'), name]);
    return await readFile(join(folder, 'out.tar'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
