import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProcess, run, waitFor } from '../../src/core/host/index.js';
import { parseIpv4, type MobyvmError } from '../../src/core/values/index.js';
import { sambaFileServer, type FileServer, type Share } from '../../src/share/index.js';
import { PLACE, SambaHost, serve, shareOf } from '../support/share/samba-host.js';

const signal = new AbortController().signal;
const context = { signal, progress: () => undefined };
const SESSION = join(import.meta.dirname, '../fixtures/programs/smb-session.py');
/** Debian's account with the id 1, which owns nothing. */
const DAEMON = 1;

describe('our Samba', () => {
  test("creates files in the name of the folder's owner", async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const path = await host.shareFolder('c', DAEMON);
    const share = shareOf('C', path);
    await serve(server, [share]);
    await writeFile(join(host.folder, 'given'), 'text');
    await host.client(server, share, 'mkdir sub; put given sub/file; put given exact');
    const made = await Promise.all(['sub', 'sub/file'].map((name) => stat(join(path, name))));
    expect(made.map(({ uid, mode }) => [uid, mode & 0o777])).toEqual([
      [DAEMON, 0o755],
      [DAEMON, 0o644],
    ]);
  });

  test('serves a folder with any name', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const shares: Share[] = [];
    const names = [
      'a b',
      '%U%m',
      `q"'`,
      ';x',
      '#y',
      'üml',
      '[global]',
      'back\\',
      ' end ',
      'line\nbreak',
      '$(x)',
    ];
    for (const [index, name] of names.entries()) {
      const path = await host.shareFolder(name);
      await writeFile(join(path, `file${index}`), '');
      shares.push(shareOf(`share${index}`, path));
    }
    await serve(server, shares);
    for (const [index, share] of shares.entries()) {
      expect((await host.client(server, share, 'ls')).stdout).toContain(`file${index}`);
    }
  });

  test('tells ids apart that differ in case only, or mean something to Samba', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const ids = ['src', 'Src', 'SRC', 'global', 'homes', 'c', 'C'];
    const shares = await Promise.all(ids.map(async (id) => shareOf(id, await host.shareFolder(id))));
    for (const { id, hostPath } of shares) await writeFile(join(hostPath, `in-${id}`), '');
    await serve(server, shares);
    for (const share of shares) {
      expect((await host.client(server, share, 'ls')).stdout).toMatch(new RegExp(` in-${share.id} `));
    }
  });

  test('is there for the VM alone', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    await host.host.ip('addr', 'add', '10.98.1.1/24', 'dev', 'br0');
    await serve(server, [share]);
    const listeners = (await host.host.run('ss', ['-Hltun'])).stdout;
    expect(listeners.trim().split('\n')).toHaveLength(1);
    expect(listeners).toContain(`${PLACE.hostAddress}:445`);
    await host.vm.ip('addr', 'add', '10.99.75.7/24', 'dev', 'eth0');
    await host.vm.ip('addr', 'del', `${PLACE.vmAddress}/24`, 'dev', 'eth0');
    expect((await host.client(server, share, 'ls')).exitCode).toBe(1);
  });

  test('lets nobody in without the right password, nor below SMB 3', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    await serve(server, [share]);
    const wrong = await host.client(server, share, 'ls', { password: 'wrong' });
    expect(wrong.stdout).toContain('NT_STATUS_LOGON_FAILURE');
    const unknown = await host.client(server, share, 'ls', { user: 'root' });
    expect(unknown.stdout).toContain('NT_STATUS_LOGON_FAILURE');
    const anonymous = await host.vm.run('smbclient', ['-N', server.unc(PLACE, share), '-c', 'ls'], {
      acceptExitCodes: [1],
    });
    expect(anonymous.stdout).toContain('NT_STATUS_ACCESS_DENIED');
    const old = ['-N', '-m', 'SMB2_10', server.unc(PLACE, share), '-c', 'ls'];
    expect((await host.vm.run('smbclient', old, { acceptExitCodes: [0, 1] })).exitCode).toBe(1);
  });

  test("gives a user's own share that user's rights, and lets no other account in", async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const path = await host.shareFolder('own');
    const own = shareOf('D', path, { account: { kind: 'user', user: 'daemon' } });
    const other = shareOf('C', await host.shareFolder('c'));
    await expect(server.login(own, signal)).rejects.toMatchObject({ code: 'MOBYVM_SHARE_CREDENTIALS' });
    expect(await server.problemOf(PLACE, own, signal)).toMatchObject({ state: 'needs-credentials' });
    await host.credentials.write('daemon', 'its own');
    await serve(server, [own, other]);
    // The folder is root's.
    expect((await host.client(server, own, 'mkdir x')).stdout).toContain('NT_STATUS_ACCESS_DENIED');
    expect((await host.client(server, own, 'ls')).exitCode).toBe(0);
    const foreign = await server.login(other, signal);
    expect((await host.client(server, own, 'ls', foreign)).stdout).toContain('NT_STATUS_ACCESS_DENIED');
  });

  test('refuses accounts that are none of this host', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const path = await host.shareFolder('c');
    for (const user of ['nobody-at-all', 'DOMAIN\\user', 'me@example.com', '@root', '%U', 'mobyvm-shares']) {
      const share = shareOf('C', path, { account: { kind: 'user', user } });
      expect([user, (await server.problemOf(PLACE, share, signal))?.state]).toEqual([user, 'refused']);
    }
  });

  test('serves a share read-only', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'), { isReadOnly: true });
    await serve(server, [share]);
    expect((await host.client(server, share, 'mkdir x')).stdout).toMatch(
      /NT_STATUS_(ACCESS_DENIED|MEDIA_WRITE)/,
    );
  });

  test('adds and removes shares while the others are in use', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const kept = shareOf('C', await host.shareFolder('c'));
    const removed = shareOf('D', await host.shareFolder('d'));
    await serve(server, [kept, removed]);
    const pid = await host.pid();
    const inKept = await session(host, server, kept);
    const inRemoved = await session(host, server, removed);
    expect(await serve(server, [kept, shareOf('E', await host.shareFolder('e'))])).toEqual([
      'none',
      'update',
    ]);
    expect(await inKept('still')).toBe('ok');
    expect(await inRemoved('late')).toContain('refused');
    expect((await host.client(server, removed, 'ls')).stdout).toContain('NT_STATUS_BAD_NETWORK_NAME');
    expect(await host.pid()).toBe(pid);
  });

  test('without shares there is no server, and Samba need not be installed', async () => {
    await using host = await SambaHost.create();
    const server = host.server(['/nonexistent/smbd']);
    expect(await serve(server, [])).toEqual(['none', 'none']);
    const used = host.server();
    await serve(used, [shareOf('C', await host.shareFolder('c'))]);
    const pid = await host.pid();
    await serve(used, []);
    expect(await findProcess(pid)).toBeUndefined();
    expect(await readdir(host.runDir)).toEqual([]);
  });

  test('leaves nothing behind when it is removed', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const shares = [shareOf('C', await host.shareFolder('c'))];
    await serve(server, shares);
    await session(host, server, shares[0]!);
    const resources = server.resources(PLACE, shares);
    for (const each of [...resources].reverse()) expect(await each.remove(context)).toBe('remove');
    for (const each of [...resources].reverse()) expect(await each.remove(context)).toBe('none');
    expect(await processesOf(host)).toEqual([]);
    expect(await readdir(host.runDir)).toEqual([]);
    expect(await host.credentials.list()).toEqual([]);
  });
});

describe('our Samba, when something goes wrong', () => {
  test('is started again when it is killed, with what its clients still used ended', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    await serve(server, [share]);
    await session(host, server, share);
    for (let round = 0; round < 3; round += 1) {
      const killed = await host.pid();
      process.kill(killed, 'SIGKILL');
      await until('another server', async () => {
        const pid = await host.pid().catch(() => killed);
        return pid !== killed && (await findProcess(pid)) !== undefined;
      });
      await until('it to serve', async () => (await host.client(server, share, 'ls')).exitCode === 0);
    }
    expect(await mainProcessesOf(host)).toHaveLength(1);
    expect(host.log.lines.filter(({ event }) => event === 'share.server.died')).toHaveLength(3);
  });

  test('serves on without its daemon, and the next daemon takes it over', async () => {
    await using host = await SambaHost.create();
    const first = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    await serve(first, [share]);
    await first.close();
    const pid = await host.pid();
    const inShare = await session(host, first, share);
    const next = host.server();
    expect(await serve(next, [share])).toEqual(['none', 'update']);
    expect(await serve(next, [share])).toEqual(['none', 'none']);
    expect(await host.pid()).toBe(pid);
    expect(await inShare('still')).toBe('ok');
    process.kill(pid, 'SIGKILL');
    await until('another server', async () => (await host.pid().catch(() => pid)) !== pid);
  });

  test('is started again by the next daemon if it died meanwhile', async () => {
    await using host = await SambaHost.create();
    const first = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    await serve(first, [share]);
    await first.close();
    process.kill(await host.pid(), 'SIGKILL');
    await until('its end', async () => (await processesOf(host)).length === 0);
    const next = host.server();
    expect(await serve(next, [share])).toEqual(['none', 'create']);
    expect(await mainProcessesOf(host)).toHaveLength(1);
  });

  test('a process that got the number of the old one is left alone', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    await mkdir(join(host.runDir, 'samba'));
    const bystander = host.host.start('sleep', ['1000']);
    await writeFile(join(host.runDir, 'samba/smbd.pid'), `${bystander.pid}\n`);
    await serve(server, [share]);
    for (const each of [...server.resources(PLACE, [share])].reverse()) await each.remove(context);
    expect(bystander.ended).toBe(false);
  });

  test('takes another port if something has its own, and says so', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    const others = host.host.start('socat', ['TCP-LISTEN:445,fork', 'EXEC:cat']);
    await until('it to listen', async () => (await host.host.run('ss', ['-Hltn'])).stdout.includes(':445'));
    await serve(server, [share]);
    expect(await server.port()).toBe(2372);
    expect((await host.client(server, share, 'ls')).exitCode).toBe(0);
    expect(host.log.lines.some(({ event }) => event === 'share.server.port-in-use')).toBe(true);
    expect(others.ended).toBe(false);
    expect(await serve(server, [share])).toEqual(['none', 'none']);
  });

  test('says which ports are taken if both are, and leaves nothing', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    for (const port of ['445', '2372']) host.host.start('socat', [`TCP-LISTEN:${port},fork`, 'EXEC:cat']);
    await until('both', async () =>
      /:445[^]*:2372|:2372[^]*:445/.test((await host.host.run('ss', ['-Hltn'])).stdout),
    );
    await expect(serve(server, [share])).rejects.toMatchObject({
      code: 'MOBYVM_SHARE_SERVER',
      message: expect.stringContaining('445 and 2372') as unknown,
    });
    expect(await readdir(host.runDir)).toEqual([]);
    expect(await processesOf(host)).toEqual([]);
  });

  test('names the package when Samba is not installed', async () => {
    await using host = await SambaHost.create();
    const server = sambaFileServer({
      runDir: host.runDir,
      logDir: join(host.folder, 'log'),
      credentials: host.credentials,
      logger: host.log.logger,
      programs: { smbd: ['/nonexistent/smbd'], smbcontrol: ['smbcontrol'] },
    });
    const thrown: unknown = await serve(server, [shareOf('C', await host.shareFolder('c'))]).catch(
      (error: unknown) => error,
    );
    expect(thrown).toMatchObject({ code: 'MOBYVM_PROGRAM_MISSING' });
    expect((thrown as MobyvmError).remedy).toContain('apt-get install');
  });

  test('says why it does not start', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const elsewhere = { ...PLACE, hostAddress: parseIpv4('10.99.99.1') };
    const share = shareOf('C', await host.shareFolder('c'));
    await expect(serve(server, [share], elsewhere)).rejects.toMatchObject({ code: 'MOBYVM_SHARE_SERVER' });
    expect(await readdir(host.runDir)).toEqual([]);
  });
});

describe('what keeps a share from being served', () => {
  test('the folder: missing, not a folder, not readable', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const path = await host.shareFolder('c', DAEMON);
    const share = shareOf('C', path);
    await serve(server, [share]);
    expect(await server.problemOf(PLACE, share, signal)).toBeUndefined();
    await run('chmod', ['700', join(host.folder, 'share')]);
    expect(await server.problemOf(PLACE, share, signal)).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('"daemon"') as unknown,
    });
    await run('chmod', ['755', join(host.folder, 'share')]);
    await rm(path, { recursive: true });
    expect(await server.problemOf(PLACE, share, signal)).toMatchObject({ state: 'unreachable' });
    await writeFile(path, '');
    expect(await server.problemOf(PLACE, share, signal)).toMatchObject({ state: 'refused' });
  });

  test('the server: not running, stopped, without the share yet', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c'));
    await serve(server, [share]);
    const late = shareOf('D', await host.shareFolder('d'));
    expect(await server.problemOf(PLACE, late, signal)).toMatchObject({ state: 'unreachable' });
    const pid = await host.pid();
    process.kill(pid, 'SIGSTOP');
    expect(await server.problemOf(PLACE, share, signal)).toMatchObject({
      state: 'unreachable',
      reason: expect.stringContaining('does not answer') as unknown,
    });
    process.kill(pid, 'SIGCONT');
    expect(await server.problemOf(PLACE, share, signal)).toBeUndefined();
    await server.close();
    process.kill(pid, 'SIGKILL');
    await until('its end', async () => (await findProcess(pid)) === undefined);
    expect(await server.problemOf(PLACE, share, signal)).toMatchObject({ state: 'unreachable' });
  });

  test('a folder that was replaced is served again, and one that is gone fails at once', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const path = await host.shareFolder('c');
    const share = shareOf('C', path);
    await serve(server, [share]);
    const inShare = await session(host, server, share);
    await rename(path, `${path}.old`);
    expect(await serve(server, [share])).toEqual(['none', 'update']);
    expect(await inShare('lost')).toContain('refused');
    expect(await readdir(`${path}.old`)).toEqual([]);
    await host.shareFolder('c');
    await serve(server, [share]);
    await host.client(server, share, 'mkdir found');
    expect(await readdir(path)).toEqual(['found']);
  });

  test('a folder of an account that this host does not know', async () => {
    await using host = await SambaHost.create();
    const server = host.server();
    const share = shareOf('C', await host.shareFolder('c', 54_321));
    expect(await server.problemOf(PLACE, share, signal)).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('54321') as unknown,
    });
    await serve(server, [share]);
    expect((await host.client(server, share, 'ls')).stdout).toContain('NT_STATUS_BAD_NETWORK_NAME');
  });
});

/** A client that stays connected; the function makes a folder and resolves to `ok` or the status. */
async function session(
  host: SambaHost,
  server: FileServer,
  share: Share,
): Promise<(folder: string) => Promise<string>> {
  const { user, password } = await server.login(share, signal);
  const [, , , name = ''] = server.unc(PLACE, share).split('/');
  const args = [SESSION, PLACE.hostAddress, String(await server.port()), name];
  const program = host.vm.start('/usr/bin/python3', args);
  const ask = async (line: string): Promise<string> => {
    const from = program.lines.length;
    program.send(line);
    return program.line(/^ok|^refused/, 120, from);
  };
  expect(await ask(JSON.stringify({ user, password }))).toBe('ok');
  return ask;
}

async function processesOf(host: SambaHost): Promise<readonly number[]> {
  const { stdout } = await run('ip', ['netns', 'pids', host.host.name]);
  const pids = stdout
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);
  const found = await Promise.all(pids.map(findProcess));
  return found.flatMap((each) => (each?.args.some((arg) => arg.includes('smb')) === true ? [each.pid] : []));
}

async function mainProcessesOf(host: SambaHost): Promise<readonly number[]> {
  const pids = await processesOf(host);
  const parents = await Promise.all(
    // 0 for a process that has ended meanwhile.
    pids.map(async (pid) =>
      Number((await run('ps', ['-o', 'ppid=', '-p', String(pid)], ENDED_OR_NOT)).stdout),
    ),
  );
  return pids.filter((_, index) => parents[index] !== 0 && !pids.includes(parents[index] ?? 0));
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  await waitFor({ title: what, timeoutSeconds: 60, hint: '', check, everyMs: 100 }, signal);
}

const ENDED_OR_NOT = { acceptExitCodes: [0, 1] };
