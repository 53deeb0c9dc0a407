import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ControlClient } from '../../../src/cli/control-client.js';
import { guestOutput } from '../../../src/cli/guest-output.js';
import { MobyvmError } from '../../../src/core/values/index.js';
import type { ControlServer } from '../../../src/daemon/control/server.js';
import type { OpenShell } from '../../../src/daemon/control/shell-connection.js';
import type { GuestShell, ShellOutput, ShellRequest } from '../../../src/daemon/guest-shell/index.js';
import { serveControl } from '../../support/control-server.js';

let folder = '';
let server: ControlServer | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-guest-output-'));
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

const never = new AbortController().signal;

async function asked(openShell: OpenShell, signal = never) {
  server = await serveControl(join(folder, 'control.sock'), { openShell });
  return guestOutput(client(), 'df -Pk; df -Pi', signal);
}

function client(): ControlClient {
  return new ControlClient(join(folder, 'control.sock'), { remedy: '' });
}

/** A script that prints that and ends, or not, with its input. */
function scriptOf(printed: () => AsyncGenerator<ShellOutput>, exitCode: Promise<number>) {
  const seen = { isInputOver: false, isClosed: false };
  const shell: GuestShell = {
    exitCode,
    output: printed,
    write: () => Promise.resolve(),
    endInput: () => void (seen.isInputOver = true),
    resize: () => Promise.resolve(),
    close: () => {
      seen.isClosed = true;
      return Promise.resolve();
    },
  };
  return { shell, seen };
}

const stdout = (text: string): ShellOutput => ({ stream: 'stdout', bytes: Buffer.from(text) });

test('has what a script prints, without a terminal or input, and how it ends', async () => {
  const requests: ShellRequest[] = [];
  const { shell, seen } = scriptOf(async function* () {
    await expect.poll(() => seen.isInputOver).toBe(true);
    yield stdout('/dev/sda 1 2\n');
    yield { stream: 'stderr', bytes: Buffer.from('df: /mnt: gone\n') };
  }, Promise.resolve(1));
  const evidence = await asked((request) => {
    requests.push(request);
    return Promise.resolve(shell);
  });
  expect(evidence).toEqual({
    text: '/dev/sda 1 2\ndf: /mnt: gone\n(exit code 1)\n',
  });
  expect(requests).toEqual([{ command: ['sh', '-c', 'df -Pk; df -Pi'] }]);
  await expect.poll(() => seen.isClosed).toBe(true);
});

test('keeps whole lines of the end of a long output, and says so', async () => {
  const { shell } = scriptOf(async function* () {
    for (let line = 0; line < 30; line++)
      yield await Promise.resolve(stdout(`${line} ${'x'.repeat(16_000)}\n`));
  }, Promise.resolve(0));
  const evidence = await asked(() => Promise.resolve(shell));
  const text = 'text' in evidence ? evidence.text : '';
  expect(text).toMatch(/^\(the last \d+ of 480110 bytes\)\n\d+ x{16000}\n/);
  expect(text.endsWith(`29 ${'x'.repeat(16_000)}\n`)).toBe(true);
  expect(text.length).toBeLessThan(256 * 1024 + 100);
});

test('is absent, with the reason, when the daemon opens no shell', async () => {
  const stopped = new MobyvmError('MOBYVM_VM_STATE', 'The VM is not running.', 'Start it with `mobyvm up`.');
  expect(await asked(() => Promise.reject(stopped))).toEqual({
    absent: 'no shell in the VM: The VM is not running. (MOBYVM_VM_STATE)',
  });
});

test('without a daemon, or when the shell is lost while it is open, it fails', async () => {
  await expect(guestOutput(client(), 'dmesg', never)).rejects.toMatchObject({
    code: 'MOBYVM_DAEMON_NOT_RUNNING',
  });
  const lost = new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'The engine is lost.', '');
  const { shell } = scriptOf(async function* () {
    yield await Promise.resolve(stdout('half'));
    throw lost;
  }, Promise.resolve(0));
  await expect(asked(() => Promise.resolve(shell))).rejects.toMatchObject({ message: 'The engine is lost.' });
});

test.each(['before it is open', 'while it is open'])(
  'given up %s, it leaves no shell and no connection',
  async (when) => {
    const over = new AbortController();
    const { shell, seen } = scriptOf(async function* () {
      setTimeout(() => over.abort(), 50);
      yield* [];
      await new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
    }, Promise.resolve(0));
    const opening = async (): Promise<GuestShell> => {
      if (when === 'while it is open') return shell;
      setTimeout(() => over.abort(), 50);
      await new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
      return shell;
    };
    await expect(asked(opening, over.signal)).rejects.toThrow();
    await expect.poll(() => seen.isClosed).toBe(true);
    await expect.poll(() => server?.clients).toBe(0);
  },
);
