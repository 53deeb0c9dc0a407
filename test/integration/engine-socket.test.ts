import { once } from 'node:events';
import { chmod, link, lstat, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, silentLogger } from '../../src/core/host/index.js';
import { prepareSocket } from '../../src/proxy/engine/socket-place.js';
import { settableAvailability } from '../support/engine-availability.js';
import { ask, connectTo, readToEnd, testEndpoint, testFolder } from '../support/engine-sockets.js';

const availability = settableAvailability({ kind: 'stopped' });
const PING = 'GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n';

/** A group that every Debian and Alpine has, with its id. */
const GROUP = { name: 'daemon', gid: await gidOf('daemon') };

describe("the engine's socket", () => {
  it('has mode 0660 and the group, whatever the umask', async () => {
    await using folder = await testFolder();
    const umask = process.umask(0);
    try {
      await using endpoint = await testEndpoint(folder, { availability, groupName: GROUP.name });
      const found = await lstat(endpoint.path);
      expect({ mode: found.mode & 0o7777, gid: found.gid, uid: found.uid }).toEqual({
        mode: 0o660,
        gid: GROUP.gid,
        uid: process.getuid?.(),
      });
    } finally {
      process.umask(umask);
    }
  });

  it('is opened anew when its file was deleted, and whoever is connected stays so', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, { availability, groupName: GROUP.name });
    expect(await endpoint.restore()).toBe(false);
    const connected = await connectTo(endpoint.path);
    await rm(endpoint.path);
    expect(await endpoint.restore()).toBe(true);
    expect(await ask(endpoint.path, PING)).toMatch(/^HTTP\/1\.1 503 /);
    connected.write(PING);
    expect(await readToEnd(connected)).toMatch(/^HTTP\/1\.1 503 /);
    expect(await readdir(folder.path)).toEqual(['docker.sock']);
    await endpoint.close();
    expect(await endpoint.restore()).toBe(false);
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('is not put in the place of what another has put there meanwhile', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, { availability });
    await rm(endpoint.path);
    await writeFile(endpoint.path, 'of another');
    await expect(endpoint.restore()).rejects.toMatchObject({ code: 'MOBYVM_FOREIGN_OBJECT' });
    await rm(endpoint.path);
    expect(await endpoint.restore()).toBe(true);
  });

  it('is bound where nobody else can go, so that it is never open wider', async () => {
    await using folder = await testFolder();
    const umask = process.umask(0);
    const path = join(folder.path, 'docker.sock');
    try {
      const place = { path, groupName: GROUP.name, logger: silentLogger };
      const prepared = await prepareSocket(place, new AbortController().signal);
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
    await using endpoint = await testEndpoint(folder, { availability, groupName: GROUP.name });
    expect(await connectAs(65_534, 65_534, endpoint.path)).toBe('EACCES');
    expect(await connectAs(65_534, GROUP.gid, endpoint.path)).toBe('connected');
  });

  it('admits only root when there is no such group', async () => {
    await using folder = await testFolder();
    await chmod(folder.path, 0o755);
    await using endpoint = await testEndpoint(folder, { availability });
    expect(await connectAs(65_534, 65_534, endpoint.path)).toBe('EACCES');
    expect((await stat(endpoint.path)).gid).toBe(process.getgid?.());
  });

  it('replaces the one that a dead process left behind', async () => {
    await using folder = await testFolder();
    const path = join(folder.path, 'docker.sock');
    await leaveStaleSocket(path);
    await using endpoint = await testEndpoint(folder, { availability });
    expect(await ask(endpoint.path, PING)).toContain('mobyvm is stopped');
    expect(await readdir(folder.path)).toEqual(['docker.sock']);
  });

  it('is not taken from a living program, which is named', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, { availability });
    await expect(testEndpoint(folder, { availability })).rejects.toMatchObject({
      code: 'MOBYVM_ENDPOINT_IN_USE',
      message: expect.stringMatching(
        new RegExp(`^"${endpoint.path}" is in use: .+ \\(pid ${process.pid}\\) listens there`),
      ) as unknown,
      details: { pid: process.pid },
    });
    expect(await ask(endpoint.path, PING)).toContain('mobyvm is stopped');
    expect(await readdir(folder.path)).toEqual(['docker.sock']);
  });

  it('does not take the place of a file or of a link', async () => {
    await using folder = await testFolder();
    const path = join(folder.path, 'docker.sock');
    await writeFile(path, 'precious');
    await expect(testEndpoint(folder, { availability })).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
    });
    await rm(path);
    await symlink('/var/run/docker.sock', path);
    await expect(testEndpoint(folder, { availability })).rejects.toMatchObject({
      code: 'MOBYVM_FOREIGN_OBJECT',
    });
    expect((await lstat(path)).isSymbolicLink()).toBe(true);
  });

  it('is refused a path that is too long, with its length', async () => {
    await using folder = await testFolder();
    const path = join(folder.path, 'x'.repeat(108 - folder.path.length - 1));
    await expect(testEndpoint(folder, { availability, path })).rejects.toMatchObject({
      code: 'MOBYVM_SETTINGS',
      message: expect.stringContaining('needs 108 bytes') as unknown,
    });
    await using endpoint = await testEndpoint(folder, { availability, path: path.slice(0, -1) });
    expect(await ask(endpoint.path, PING)).toContain('mobyvm is stopped');
  });

  it('gets the folder that it needs', async () => {
    await using folder = await testFolder();
    const path = join(folder.path, 'run', 'mobyvm', 'docker.sock');
    await using endpoint = await testEndpoint(folder, { availability, path });
    expect(await ask(endpoint.path, PING)).toContain('mobyvm is stopped');
  });

  it('is gone after close, which may be repeated', async () => {
    await using folder = await testFolder();
    const endpoint = await testEndpoint(folder, { availability });
    await Promise.all([endpoint.close(), endpoint.close()]);
    await endpoint.close();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('is left alone at close when it is no longer ours', async () => {
    await using folder = await testFolder();
    const endpoint = await testEndpoint(folder, { availability });
    await rm(endpoint.path);
    await leaveStaleSocket(endpoint.path);
    await endpoint.close();
    expect(await readdir(folder.path)).toEqual(['docker.sock']);
  });
});

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
