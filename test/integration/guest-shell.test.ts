import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger, waitFor } from '../../src/core/host/index.js';
import { GuestShells } from '../../src/daemon/guest-shell/index.js';
import type { ControlServer } from '../../src/daemon/control/server.js';
import { containerClient, type ContainerClient, type Dial } from '../../src/proxy/engine/index.js';
import { compiledSource } from '../support/compiled.js';
import { DockerdSetting, hasDockerd } from '../support/dockerd.js';
import { unixDial } from '../support/engine-dial.js';
import { settableAvailability } from '../support/engine-availability.js';
import { serveControl } from '../support/control-server.js';
import { environmentOf } from '../support/instance-folder.js';
import { Terminal } from '../support/terminal.js';

if (!hasDockerd) process.stderr.write('SKIPPED: there is no Docker Engine in build/tools.\n');

/** A process in namespaces of its own takes the place of the VM's first one. */
describe.runIf(hasDockerd)('mobyvm shell, with a real Docker Engine', () => {
  let engine: DockerdSetting;
  let shells: GuestShells;
  let server: ControlServer;
  let main: string;
  let vm: ChildProcess;
  const availability = settableAvailability({ kind: 'stopped' });
  let dial: Dial;

  beforeAll(async () => {
    main = join(await compiledSource(), 'main.js');
    engine = await DockerdSetting.start();
    vm = spawn('unshare', ['--mount', '--uts', '--ipc', '--net', 'sleep', '100000'], { stdio: 'ignore' });
    dial = unixDial(engine.socket('straight'));
    const current: Dial = (signal) => dial(signal);
    shells = new GuestShells({ availability, engine: engineFor(current, vm.pid ?? 0), logger: silentLogger });
    availability.set({ kind: 'ready', dial });
    server = await serveControl(join(engine.folder, 'mobyvm/control.sock'), {
      openShell: (request, signal) => shells.open(request, signal),
    });
  }, 300_000);
  afterAll(async () => {
    await server.close();
    await shells.close();
    vm.kill();
    await engine[Symbol.asyncDispose]();
  }, 120_000);

  function environment(): NodeJS.ProcessEnv {
    return { ...process.env, ...environmentOf(join(engine.folder, 'mobyvm')) };
  }

  function start(...command: readonly string[]) {
    return spawn(process.execPath, [main, 'shell', '--', ...command], { env: environment() });
  }

  async function run(command: readonly string[], input: string | Uint8Array = '') {
    const child = start(...command);
    // A command may end before it has read everything.
    child.stdin.on('error', () => undefined).end(input);
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>,
    ]);
    return { code, stdout, stderr };
  }

  async function nothingIsLeft(): Promise<void> {
    const listed = async (...args: readonly string[]): Promise<string> =>
      (await engine.docker('straight', args)).stdout;
    const check = async (): Promise<boolean> => (await listed('ps', '-aq')) === '';
    await waitFor(
      { title: 'the container to be removed', timeoutSeconds: 120, hint: 'See the test.', check },
      new AbortController().signal,
    );
    expect(await listed('images', '-aq')).toBe('');
  }

  test('keeps output, errors and the exit code apart, and leaves neither container nor image', async () => {
    expect(await run(['sh', '-c', 'echo out; echo err >&2; exit 7'])).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    await nothingIsLeft();
  });

  test('enters the namespaces of the first process', async () => {
    const kinds = ['mnt', 'pid', 'net', 'uts', 'ipc'];
    const expected = await Promise.all(kinds.map((kind) => readlink(`/proc/${vm.pid ?? 0}/ns/${kind}`)));
    const { stdout } = await run(['readlink', ...kinds.map((kind) => `/proc/self/ns/${kind}`)]);
    expect(stdout.trimEnd().split('\n')).toEqual(expected);
  });

  test('passes input on to its end, and arguments as they are', async () => {
    const large = Buffer.alloc(3_000_000, 'mobyvm ');
    expect((await run(['wc', '-c'], large)).stdout.trim()).toBe('3000000');
    expect((await run(['cat'], 'without a line break')).stdout).toBe('without a line break');
    const given = ['--json', '1e3', '', '--', 'a b', '$HOME'];
    expect((await run(['printf', '<%s>', ...given])).stdout).toBe('<--json><1e3><><--><a b><$HOME>');
  });

  test('ends although its input stays open, and when its reader has seen enough', async () => {
    const child = start('true');
    expect(await once(child, 'exit')).toEqual([0, null]);
    const script = `"${process.execPath}" "${main}" shell -- yes | head -n 1`;
    const shell = spawn('sh', ['-c', script], { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await Promise.all([text(shell.stdout), text(shell.stderr)])).toEqual(['y\n', '']);
    await nothingIsLeft();
  });

  test('says which program does not exist', async () => {
    const { code, stderr } = await run(['no-such-program']);
    expect(code).toBe(127);
    expect(stderr).toContain('no-such-program');
  });

  test.each(['SIGKILL', 'SIGINT'] as const)('leaves nothing when the client gets %s', async (signal) => {
    const child = start('sh', '-c', 'echo begun; exec sleep 100000');
    await once(child.stdout, 'data');
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(signal === 'SIGINT' ? 130 : null);
    await nothingIsLeft();
  });

  test('has a terminal with the size of the user’s, Ctrl-C, and its exit code', async () => {
    await mkdir(join(engine.folder, 'mobyvm'), { recursive: true });
    const command = [process.execPath, main, 'shell', '--', 'sh', '-i'];
    await using terminal = await Terminal.start(command, { env: environment(), columns: 90, rows: 20 });
    await terminal.enter("stty size; echo 'ter'minal $TERM; PS1='> '");
    await terminal.shows(/^20 90$[^]*^terminal (tmux|screen)/m);
    await terminal.resize({ columns: 70, rows: 15 });
    await terminal.enter('until [ "$(stty size)" = "15 70" ]; do sleep 0.1; done; echo re"sized"');
    await terminal.shows(/^resized$/m);
    await terminal.enter("echo 'be'gun; sleep 100000");
    await terminal.shows(/^begun$/m);
    await terminal.press('C-c');
    await terminal.enter('echo "code $?"');
    await terminal.shows(/^code 130$/m);
    await terminal.enter('exit 5');
    await terminal.shows(/^left 5$/m);
    await nothingIsLeft();
  });

  test('ends with the VM, and says what to do without one', async () => {
    const ready = availability.current();
    const child = start('sh', '-c', 'echo begun; exec sleep 100000');
    await once(child.stdout, 'data');
    const stderr = text(child.stderr);
    availability.set({ kind: 'stopped' });
    expect(await once(child, 'exit')).toEqual([1, null]);
    expect(await stderr).toContain('The shell was closed');
    expect((await run(['true'])).stderr).toMatch(/not running[^]*`mobyvm up`/);
    availability.set({ kind: 'starting', step: 'waiting for the guest to boot' });
    expect((await run(['true'])).stderr).toMatch(/waiting for the guest to boot[^]*`mobyvm console`/);
    availability.set(ready);
    dial = unixDial(join(engine.folder, 'absent.sock'));
    expect((await run(['true'])).stderr).toMatch(/MOBYVM_ENGINE_UNREACHABLE/);
    expect((await run(['true'])).stderr).toContain('`mobyvm console`');
    dial = unixDial(engine.socket('straight'));
    await nothingIsLeft();
  });

  test('removes the shells that an earlier daemon has left', async () => {
    const before = settableAvailability({ kind: 'ready', dial });
    const earlier = new GuestShells({
      availability: before,
      engine: engineFor(dial, vm.pid ?? 0),
      logger: silentLogger,
    });
    const terminal = { type: 'xterm', columns: 80, rows: 24 };
    await earlier.open({ command: ['sleep', '100000'], terminal }, new AbortController().signal);
    const ready = availability.current();
    availability.set({ kind: 'stopped' });
    availability.set(ready);
    await nothingIsLeft();
  });
});

/** Enters that process. A machine for tests may itself lack rights that privileged containers get. */
function engineFor(dial: Dial, pid: number): ContainerClient {
  const client = containerClient(dial);
  return {
    ...client,
    create(name, specification, signal) {
      const { Cmd, HostConfig, ...rest } = specification as {
        readonly Cmd: readonly string[];
        readonly HostConfig: Readonly<Record<string, unknown>>;
      };
      const fewer = {
        ...HostConfig,
        Privileged: false,
        CapAdd: ['SYS_ADMIN', 'SYS_PTRACE'],
        SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
      };
      const command = Cmd.map((word, index) => (index === Cmd.indexOf('-t') + 1 ? String(pid) : word));
      return client.create(name, { ...rest, Cmd: command, HostConfig: fewer }, signal);
    },
  };
}
