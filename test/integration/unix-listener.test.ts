import { once } from 'node:events';
import { chmod, link, lstat, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, silentLogger, type LocalAccess, type LocalListener } from '../../src/core/host/index.js';
import { prepareSocketFile } from '../../src/daemon/linux/unix-listener-file.js';
import { listenOnUnixSocket } from '../../src/daemon/linux/unix-listener.js';
import { connectTo, readToEnd, testFolder, type TestFolder } from '../support/engine-sockets.js';

/** A group that every Debian and Alpine has, with its id. */
const GROUP = { name: 'daemon', gid: await gidOf('daemon') };
const GROUP_ACCESS: LocalAccess = { kind: 'group', name: GROUP.name };

describe('a unix socket listener', () => {
  it('creates a socket with mode 0660 and the group, whatever the umask', async () => {
    await using folder = await testFolder();
    const umask = process.umask(0);
    try {
      await using listener = await listen(folder, { access: GROUP_ACCESS });
      const found = await lstat(listener.address);
      expect({ mode: found.mode & 0o7777, gid: found.gid, uid: found.uid }).toEqual({
        mode: 0o660,
        gid: GROUP.gid,
        uid: process.getuid?.(),
      });
    } finally {
      process.umask(umask);
    }
  });

  it('leaves nothing but the new socket behind when it restores a deleted one', async () => {
    await using folder = await testFolder();
    await using listener = await listen(folder);
    await rm(listener.address);
    expect(await listener.restore()).toBe(true);
    expect(await readdir(folder.path)).toEqual(['test.sock']);
    await listener.close();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('recreates the folder too', async () => {
    await using folder = await testFolder();
    const address = join(folder.path, 'run', 'test.sock');
    await using listener = await listen(folder, { address });
    await rm(dirname(address), { recursive: true });
    expect(await listener.restore()).toBe(true);
    await expectAnswer(address);
  });

  it('does not replace a file that was put at its address, and restores the socket once the file is gone', async () => {
    await using folder = await testFolder();
    await using listener = await listen(folder);
    await rm(listener.address);
    await writeFile(listener.address, 'precious');
    await expect(listener.restore()).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
    await rm(listener.address);
    expect(await listener.restore()).toBe(true);
  });

  it('binds in a folder that nobody else can enter', async () => {
    await using folder = await testFolder();
    const umask = process.umask(0);
    try {
      const prepared = await prepareSocketFile({
        path: join(folder.path, 'test.sock'),
        access: GROUP_ACCESS,
        logger: silentLogger,
      });
      expect((await stat(dirname(prepared.bindPath))).mode & 0o777).toBe(0o700);
      await prepared.discard();
      expect(await readdir(folder.path)).toEqual([]);
    } finally {
      process.umask(umask);
    }
  });

  it('admits members of the group and nobody else', async () => {
    await using folder = await testFolder();
    await chmod(folder.path, 0o755);
    await using listener = await listen(folder, { access: GROUP_ACCESS });
    expect(await connectAs(65_534, 65_534, listener.address)).toBe('EACCES');
    expect(await connectAs(65_534, GROUP.gid, listener.address)).toBe('connected');
  });

  it.each<LocalAccess>([{ kind: 'owner only' }, { kind: 'group', name: `no-such-group-${process.pid}` }])(
    'admits only root if access is %o',
    async (access) => {
      await using folder = await testFolder();
      await chmod(folder.path, 0o755);
      await using listener = await listen(folder, { access });
      expect(await connectAs(65_534, 65_534, listener.address)).toBe('EACCES');
      expect((await stat(listener.address)).gid).toBe(process.getgid?.());
    },
  );

  it('replaces a socket that a dead process left behind', async () => {
    await using folder = await testFolder();
    const address = join(folder.path, 'test.sock');
    await leaveStaleSocket(address);
    await using listener = await listen(folder);
    await expectAnswer(listener.address);
    expect(await readdir(folder.path)).toEqual(['test.sock']);
  });

  it('names the program that already listens there', async () => {
    await using folder = await testFolder();
    await using listener = await listen(folder);
    await expect(listen(folder)).rejects.toMatchObject({
      code: 'MOBYVM_ENDPOINT_IN_USE',
      message: expect.stringMatching(
        new RegExp(`^"${listener.address}" is in use by .+ \\(pid ${process.pid}\\)`),
      ) as unknown,
      details: { pid: process.pid },
    });
    await expectAnswer(listener.address);
    expect(await readdir(folder.path)).toEqual(['test.sock']);
  });

  it('replaces neither a file nor a symbolic link, and does not follow one', async () => {
    await using folder = await testFolder();
    const address = join(folder.path, 'test.sock');
    await writeFile(address, 'precious');
    await expect(listen(folder)).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
    await rm(address);
    const target = join(folder.path, 'target.sock');
    await leaveStaleSocket(target);
    await symlink(target, address);
    await expect(listen(folder)).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
    expect((await readdir(folder.path)).sort()).toEqual(['target.sock', 'test.sock']);
    expect((await lstat(address)).isSymbolicLink()).toBe(true);
  });

  it('rejects a path that is too long, and reports its length', async () => {
    await using folder = await testFolder();
    const address = join(folder.path, 'x'.repeat(108 - folder.path.length - 1));
    await expect(listen(folder, { address })).rejects.toMatchObject({
      code: 'MOBYVM_SETTINGS',
      message: expect.stringContaining('too long: 108 bytes') as unknown,
    });
    await using listener = await listen(folder, { address: address.slice(0, -1) });
    await expectAnswer(listener.address);
  });

  it('does not delete at close a socket that is no longer its own', async () => {
    await using folder = await testFolder();
    const listener = await listen(folder);
    await rm(listener.address);
    await leaveStaleSocket(listener.address);
    await listener.close();
    expect(await readdir(folder.path)).toEqual(['test.sock']);
  });
});

interface Listening extends LocalListener, AsyncDisposable {}

/** Listens on `test.sock` and answers everybody. */
async function listen(
  folder: TestFolder,
  { access = { kind: 'owner only' }, address = join(folder.path, 'test.sock') }: Wanted = {},
): Promise<Listening> {
  const listener = await listenOnUnixSocket({
    address,
    access,
    onConnection: (stream) => stream.end('answer'),
    logger: silentLogger,
  });
  return {
    address,
    connections: 0,
    restore: () => listener.restore(),
    close: () => listener.close(),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

interface Wanted {
  readonly access?: LocalAccess;
  readonly address?: string;
}

async function expectAnswer(address: string): Promise<void> {
  expect(await readToEnd(await connectTo(address))).toBe('answer');
}

async function gidOf(name: string): Promise<number> {
  const { stdout } = await run('getent', ['group', name]);
  return Number(stdout.split(':')[2]);
}

/** A socket file without a listener: a second name of it survives the first one's end. */
async function leaveStaleSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.first`);
  await once(server, 'listening');
  await link(`${path}.first`, path);
  server.close();
  await once(server, 'close');
}

/** Connects as another user: `connected`, or the errno. */
async function connectAs(uid: number, gid: number, path: string): Promise<string> {
  const { stdout } = await run('setpriv', [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    process.execPath,
    '-e',
    `const socket = require('node:net').connect(${JSON.stringify(path)});
     socket.on('connect', () => { console.log('connected'); socket.destroy(); });
     socket.on('error', (error) => console.log(error.code));`,
  ]);
  return stdout.trim();
}
