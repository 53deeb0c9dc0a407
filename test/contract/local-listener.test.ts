import { once } from 'node:events';
import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalAccess } from '../../src/core/host/index.js';
import { run } from '../../src/core/host/index.js';
import { listenOnUnixSocket } from '../../src/daemon/linux/unix-listener.js';
import { MemoryPipes } from '../support/memory-pipe.js';
import { describeLocalListener, type LocalListenerHarness } from './local-listener.js';

describeLocalListener('the unix socket listener', unixHarness);
describeLocalListener('a listener with the rules of a named pipe', pipeHarness);

async function unixHarness(): Promise<LocalListenerHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-listener-'));
  const address = join(folder, 'test.sock');
  const isRoot = process.getuid?.() === 0;
  // A plain user can give a socket to his own groups only.
  const group = isRoot ? 'daemon' : (await run('id', ['-gn'])).stdout.trim();
  return {
    listen: listenOnUnixSocket,
    address,
    hasServerHalfClose: true,
    group,
    async connect() {
      const socket = connect({ path: address, allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    },
    deleteEndpoint: () => rm(address),
    async access(): Promise<LocalAccess> {
      const { mode, gid } = await lstat(address);
      const bits = mode & 0o777;
      if (bits === 0o600 || (isRoot && bits === 0o660 && gid === 0)) return { kind: 'owner only' };
      const { stdout } = await run('getent', ['group', String(gid)]);
      return { kind: 'group', name: bits === 0o660 ? (stdout.split(':')[0] ?? '') : bits.toString(8) };
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function pipeHarness(): Promise<LocalListenerHarness> {
  const pipes = new MemoryPipes(['docker-users']);
  const address = String.raw`\\.\pipe\mobyvm_test`;
  return Promise.resolve({
    listen: pipes.listen,
    address,
    hasServerHalfClose: false,
    group: 'docker-users',
    connect: () => pipes.connect(address),
    access: () => Promise.resolve(pipes.access(address)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}
