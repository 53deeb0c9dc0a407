import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ControlClient } from '../../../src/cli/control-client.js';
import type { ControlServer } from '../../../src/daemon/control/server.js';
import { LINUX_RIGHTS } from '../../support/cli-context.js';
import { controlledMachine, serveControl } from '../../support/control-server.js';

const INFO = {
  state: 'stopped' as const,
  daemon: {
    pid: 7,
    version: '0.1.0',
    startedAt: '2026-11-26T09:59:00.000Z',
    isBackground: true,
    stateDir: '/s',
    logDir: '/l',
    settingsFile: '/settings.json',
  },
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-control-'));
  path = join(folder, 'run/control.sock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function start(): Promise<ControlServer> {
  return serveControl(path, { machine: controlledMachine({ info: () => INFO }) });
}

test('only root can use the control socket, and the umask is left alone', async () => {
  const mask = process.umask(0o022);
  const server = await start();
  expect(process.umask(mask)).toBe(0o022);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await server.close();
});

test.each([
  ['deleted', () => rm(path)],
  ['deleted with its folder', () => rm(join(folder, 'run'), { recursive: true })],
])('a control socket that was %s is recreated, once', async (_what, harm) => {
  const server = await start();
  try {
    expect(await server.restore()).toBe(false);
    await harm();
    expect(await server.restore()).toBe(true);
    expect(await new ControlClient(path, LINUX_RIGHTS).info()).toEqual(INFO);
    expect(await server.restore()).toBe(false);
  } finally {
    await server.close();
  }
});

test('a client does not wait for a daemon that does not answer', async () => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const over = new AbortController();
    setTimeout(() => over.abort(new DOMException('over', 'TimeoutError')), ms / 100);
    return over.signal;
  });
  path = join(folder, 'hung.sock');
  const hung = createServer(() => undefined);
  await new Promise<void>((resolve) => hung.listen(path, resolve));
  try {
    const client = new ControlClient(path, LINUX_RIGHTS);
    for (const call of [() => client.info(), () => client.status()])
      await expect(call()).rejects.toMatchObject({
        code: 'MOBYVM_CONTROL_API',
        message: 'The daemon does not answer.',
      });
  } finally {
    vi.restoreAllMocks();
    hung.closeAllConnections();
    await new Promise((resolve) => hung.close(resolve));
  }
});
