import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MobyvmError } from '../../../src/core/values/index.js';
import type { ByteStreams } from '../../../src/cli/byte-streams.js';
import { runCommand } from '../../../src/cli/commands.js';
import type { ControlServer } from '../../../src/daemon/control/server.js';
import type { OpenShell } from '../../../src/daemon/control/shell-connection.js';
import type { GuestShell, ShellOutput, ShellRequest } from '../../../src/daemon/guest-shell/index.js';
import { linuxPaths } from '../../../src/protocol/paths.js';
import { commandContext } from '../../support/cli-context.js';
import { serveControl } from '../../support/control-server.js';

let folder = '';
let server: ControlServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-shell-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function serve(openShell: OpenShell): Promise<void> {
  server = await serveControl(join(folder, 'control.sock'), { openShell });
}

/** A command that prints its input in capitals, and ends with it. */
class Capitals implements GuestShell {
  readonly sizes: unknown[] = [];
  isClosed = false;
  readonly exitCode = Promise.resolve(7);
  readonly #printed: ShellOutput[] = [];
  #wake: () => void = () => undefined;
  #isOver = false;

  async *output(): AsyncGenerator<ShellOutput> {
    for (;;) {
      yield* this.#printed.splice(0);
      if (this.#printed.length > 0) continue;
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  write(input: Uint8Array): Promise<void> {
    this.#printed.push({ stream: 'stdout', bytes: Buffer.from(Buffer.from(input).toString().toUpperCase()) });
    this.#wake();
    return Promise.resolve();
  }

  endInput(): void {
    this.#printed.push({ stream: 'stderr', bytes: Buffer.from('over') });
    this.#isOver = true;
    this.#wake();
  }

  resize(size: unknown): Promise<void> {
    this.sizes.push(size);
    this.endInput();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.#isOver = true;
    this.#wake();
    return Promise.resolve();
  }
}

function streams(chunks: readonly string[], isEndless = false) {
  const printed = { stdout: '', stderr: '' };
  const state = { raw: [] as boolean[], isRestored: false };
  const bytes: ByteStreams = {
    screen: undefined,
    openInput({ raw }) {
      state.raw.push(raw);
      return {
        chunks: (async function* () {
          for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
          if (isEndless) await new Promise(() => undefined);
        })(),
        close: () => {
          state.isRestored = true;
        },
      };
    },
    write(stream, text) {
      printed[stream] += Buffer.from(text).toString();
      return Promise.resolve();
    },
  };
  return { bytes, printed, state };
}

function run(args: readonly string[], bytes: ByteStreams, interrupted = new AbortController().signal) {
  const paths = linuxPaths({ MOBYVM_RUN_DIR: folder });
  return runCommand(args, commandContext({ paths, bytes, interrupted, env: { TERM: 'screen' } }));
}

test('passes input, output, errors and the exit code on', async () => {
  const asked: ShellRequest[] = [];
  const shell = new Capitals();
  await serve((request) => {
    asked.push(request);
    return Promise.resolve(shell);
  });
  const { bytes, printed, state } = streams(['ab', 'cd']);
  expect(await run(['shell', '--', 'tr', '-s', '1e3', '--', '--help'], bytes)).toBe(7);
  expect(printed).toEqual({ stdout: 'ABCD', stderr: 'over' });
  expect(asked).toEqual([{ command: ['tr', '-s', '1e3', '--', '--help'] }]);
  expect(state).toEqual({ raw: [false], isRestored: true });
  expect(shell.isClosed).toBe(true);
});

test('has a raw terminal with its type and size, and passes on a new size', async () => {
  const asked: ShellRequest[] = [];
  const shell = new Capitals();
  await serve((request) => {
    asked.push(request);
    return Promise.resolve(shell);
  });
  const { bytes, state } = streams([], true);
  let size = { columns: 90, rows: 20 };
  const screen = {
    size: () => size,
    onResize(listener: () => void) {
      size = { columns: 70, rows: 15 };
      listener();
      return () => undefined;
    },
  };
  expect(await run(['shell'], { ...bytes, screen })).toBe(7);
  expect(asked).toEqual([{ command: [], terminal: { type: 'screen', columns: 90, rows: 20 } }]);
  expect(shell.sizes).toEqual([{ columns: 70, rows: 15 }]);
  expect(state).toEqual({ raw: [true], isRestored: true });
});

test('reports what the daemon says, and leaves the terminal alone then', async () => {
  const refused = new MobyvmError('MOBYVM_VM_STATE', 'The VM is not running.', 'Start it with `mobyvm up`.');
  await serve(() => Promise.reject(refused));
  const { bytes, state } = streams(['x']);
  await expect(run(['shell'], bytes)).rejects.toMatchObject({
    code: 'MOBYVM_VM_STATE',
    message: 'The VM is not running.',
    remedy: 'Start it with `mobyvm up`.',
  });
  expect(state.raw).toEqual([]);
});

test('says so without a daemon, and when the daemon is lost', async () => {
  const { bytes, state } = streams([], true);
  await expect(run(['shell'], bytes)).rejects.toMatchObject({
    code: 'MOBYVM_DAEMON_NOT_RUNNING',
    remedy: 'Start it with `mobyvm up`.',
  });
  await serve(() => {
    setTimeout(() => void server?.close(), 100);
    return Promise.resolve(new Capitals());
  });
  await expect(run(['shell'], bytes)).rejects.toMatchObject({
    message: expect.stringContaining('connection to the daemon was lost') as string,
  });
  expect(state.isRestored).toBe(true);
});

test.each([
  ['before the command runs', new Promise<never>(() => undefined)],
  ['while it runs', undefined],
])('Ctrl-C without a terminal ends it %s, with 130', async (_when, opening) => {
  const interrupt = new AbortController();
  const shell = new Capitals();
  await serve(() => {
    setTimeout(() => interrupt.abort(), 100);
    return opening ?? Promise.resolve(shell);
  });
  expect(await run(['shell'], streams([], true).bytes, interrupt.signal)).toBe(130);
});

test('a reader of the output who is gone ends it quietly', async () => {
  const shell = new Capitals();
  await serve(() => Promise.resolve(shell));
  const { bytes } = streams(['x'], true);
  const write = () => Promise.reject(Object.assign(new TypeError('write EPIPE'), { code: 'EPIPE' }));
  expect(await run(['shell', '--', 'yes'], { ...bytes, write })).toBe(0);
  await expect.poll(() => shell.isClosed).toBe(true);
});

test('words without the dashes before them are a usage error', async () => {
  await expect(run(['shell', 'ls'], streams([]).bytes)).rejects.toMatchObject({
    code: 'MOBYVM_USAGE',
    message: 'Unexpected argument "ls".',
    remedy: expect.stringContaining('mobyvm shell --help') as string,
  });
});
