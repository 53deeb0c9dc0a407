import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MobyvmError } from '../../../src/core/values/index.js';
import { DEFAULT_OWNER, type Shares } from '../../../src/share/index.js';
import { FakeCredentials, FakeShareWorld, PLACE, sharesOf } from '../../support/share-fake.js';

const { signal } = new AbortController();
let folder: string;
let file: string;
let world: FakeShareWorld;
let credentials: FakeCredentials;
let shares: Shares;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-shares-'));
  file = join(folder, 'shares.json');
  for (const name of ['a', 'b']) await mkdir(join(folder, name));
  credentials = new FakeCredentials();
  world = new FakeShareWorld(credentials);
  shares = sharesOf(world, file);
  await shares.load();
});
afterEach(async () => {
  shares.vmLost();
  await rm(folder, { recursive: true });
});

const add = (name: string, path: string, user?: string, password?: string) =>
  shares.add({ name, path: join(folder, path), isReadOnly: false, user }, password, signal);
const stateOf = (id: string) => shares.list().find(({ share }) => share.id === id)?.status.state;

async function up(): Promise<void> {
  for (const resource of shares.resources(PLACE))
    await resource.ensure({ signal, progress: () => undefined, onFailure: () => undefined });
  shares.vmReady(PLACE);
  await shares.settled(signal);
}

async function until(id: string, state: string): Promise<void> {
  if (stateOf(id) === state) return;
  await new Promise<void>((resolve) => {
    const unsubscribe = shares.onChange(() => {
      if (stateOf(id) !== state) return;
      unsubscribe();
      resolve();
    });
  });
}

describe('the list', () => {
  test('is kept in a file, and read by the next daemon', async () => {
    await add('C', 'a');
    const next = sharesOf(world, file);
    await next.load();
    expect(next.list().map(({ share }) => share.hostPath)).toEqual([join(folder, 'a')]);
    await next.remove('c:', signal);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ version: 1, shares: [] });
  });

  test('is not guessed when its file is damaged', async () => {
    await writeFile(file, '{"version":1,"shares":[{"id":"../x"}]}');
    await expect(sharesOf(world, file).load()).rejects.toMatchObject({ code: 'MOBYVM_STATE_FILE' });
  });

  test('has no folder that does not exist, and no file', async () => {
    await writeFile(join(folder, 'f'), '');
    await expect(add('C', 'nope')).rejects.toMatchObject({
      message: expect.stringMatching(/not exist/) as string,
    });
    await expect(add('C', 'f')).rejects.toMatchObject({
      message: expect.stringMatching(/is a file/) as string,
    });
    await expect(shares.remove('C', signal)).rejects.toMatchObject({ code: 'MOBYVM_SHARE' });
    expect(shares.list()).toEqual([]);
  });

  test('is forgotten with all passwords by uninstall', async () => {
    await add('C', 'a', 'me', 'secret');
    expect(await shares.forget()).toBe(true);
    expect(await shares.forget()).toBe(false);
    expect([...credentials.passwords]).toEqual([]);
  });
});

describe('while the VM is off', () => {
  test('a share is added for the next start', async () => {
    expect((await add('C', 'a')).status.state).toBe('off');
    expect(world.mounts).toBe(0);
    await up();
    expect(stateOf('C')).toBe('healthy');
    expect(world.mounted.get('C')).toMatchObject({ unc: '//10.0.75.1/C', points: ['/C', '/c'] });
  });
});

describe('while the VM is up', () => {
  beforeEach(up);

  test('a share is served and mounted at once, and removed at once', async () => {
    expect((await add('C', 'a')).status.state).toBe('healthy');
    expect(world.served).toEqual(['C']);
    await shares.remove('C', signal);
    expect(world.served).toEqual([]);
    expect(world.mounted.size).toBe(0);
    expect(shares.list()).toEqual([]);
  });

  test('one that never answers does not delay another', async () => {
    world.stuck.add('C');
    const adding = new AbortController();
    const stuck = shares.add(
      { name: 'C', path: join(folder, 'a'), isReadOnly: false, user: undefined },
      undefined,
      adding.signal,
    );
    expect((await add('D', 'b')).status.state).toBe('healthy');
    expect(stateOf('C')).toBe('mounting');
    adding.abort(new MobyvmError('MOBYVM_ABORTED', 'Enough.', ''));
    await expect(stuck).rejects.toMatchObject({ code: 'MOBYVM_ABORTED' });
  });

  test('one whose server was away heals by itself', async () => {
    await add('C', 'a');
    world.health.set('C', { kind: 'broken', errno: 110 });
    world.report('C', { kind: 'broken', errno: 110 });
    await until('C', 'unreachable');
    const { mounts } = world;
    world.health.delete('C');
    await until('C', 'healthy');
    expect(world.mounts).toBe(mounts);
  });

  test('one whose password was changed while it is mounted says so, and works after its re-entry', async () => {
    await add('C', 'a', 'me', 'old');
    // Linux cannot connect again, and does not say why; a mount does.
    world.health.set('C', { kind: 'broken', errno: 112 });
    world.outcomes.set('C', { ok: false, step: 'login', errno: 13, text: 'STATUS_LOGON_FAILURE' });
    world.report('C', { kind: 'broken', errno: 112 });
    await until('C', 'needs-credentials');
    world.health.clear();
    world.outcomes.clear();
    expect((await shares.setCredentials('C', 'new', signal)).status.state).toBe('healthy');
    expect(world.mounted.get('C')?.login.password).toBe('new');
  });

  test('one whose password is entered during an attempt with the old one is not judged by that attempt', async () => {
    world.outcomes.set('C', { ok: false, step: 'login', errno: 13, text: 'STATUS_LOGON_FAILURE' });
    await add('C', 'a', 'me', 'old');
    const { mounts } = world;
    let refuse = (): void => undefined;
    world.gates.set('C', new Promise((resolve) => (refuse = resolve)));
    shares.wake();
    await vi.waitFor(() => expect(world.mounts).toBe(mounts + 1));
    world.outcomes.clear();
    world.gates.clear();
    const entered = shares.setCredentials('C', 'new', signal);
    await vi.waitFor(() => expect(stateOf('C')).toBe('mounting'));
    refuse();
    expect((await entered).status.state).toBe('healthy');
    expect(world.mounted.get('C')?.login.password).toBe('new');
  });

  test('one that is cut off from a server that accepts its login heals by itself', async () => {
    await add('C', 'a');
    world.health.set('C', { kind: 'broken', errno: 112 });
    world.report('C', { kind: 'broken', errno: 112 });
    await until('C', 'unreachable');
    world.health.clear();
    await until('C', 'healthy');
  });

  test('one that the guest has lost is mounted again', async () => {
    await add('C', 'a');
    world.mounted.clear();
    world.report('C', { kind: 'absent' });
    await until('C', 'mounting');
    await until('C', 'healthy');
    expect(world.mounted.has('C')).toBe(true);
  });

  test('one with a wrong password works after its re-entry, and its password goes with it', async () => {
    world.outcomes.set('C', { ok: false, step: 'login', errno: 13, text: '' });
    expect((await add('C', 'a', 'me', 'old')).status.state).toBe('needs-credentials');
    world.outcomes.clear();
    expect((await shares.setCredentials('C', 'new', signal)).status.state).toBe('healthy');
    expect(world.mounted.get('C')?.login.password).toBe('new');
    await shares.remove('C', signal);
    expect([...credentials.passwords]).toEqual([]);
  });

  test("mobyvm's own account has no password to enter", async () => {
    await add('C', 'a');
    await expect(shares.setCredentials('C', 'x', signal)).rejects.toMatchObject({ code: 'MOBYVM_SHARE' });
  });

  test.each([[undefined], ['']])('an account with the password %j is refused', async (password) => {
    await expect(add('C', 'a', 'me', password)).rejects.toMatchObject({
      message: expect.stringMatching(/needs a password/) as string,
    });
  });

  test('a server that cannot be set up is the reason that the share shows', async () => {
    world.serverError = new MobyvmError('MOBYVM_SHARE_SERVER', 'Port 445 is taken.', 'Stop what has it.');
    world.problems.set('C', { state: 'unreachable', reason: 'smbd does not run', remedy: '-' });
    const { status } = await add('C', 'a');
    expect(status).toMatchObject({
      state: 'unreachable',
      failure: { reason: 'Port 445 is taken', remedy: 'Stop what has it.' },
    });
  });

  test('another owner in the settings mounts it again', async () => {
    await add('C', 'a');
    shares.setOwner({ uid: 33, gid: 33, fileMode: 0o644, directoryMode: 0o755 });
    await until('C', 'healthy');
    const { options = [] } = world.mounted.get('C') ?? {};
    expect(options).toEqual(expect.arrayContaining(['uid=33', 'file_mode=0644', 'dir_mode=0755']));
  });

  test('what is chosen for a share holds beside the settings, and they say the rest', async () => {
    const owner = { uid: 1000, directoryMode: 0o750 };
    const path = join(folder, 'a');
    await shares.add({ name: 'C', path, isReadOnly: false, user: undefined, owner }, undefined, signal);
    await add('D', 'b');
    shares.setOwner({ uid: 33, gid: 34, fileMode: 0o644, directoryMode: 0o755 });
    for (const id of ['C', 'D']) await until(id, 'healthy');
    const optionsOf = (id: string) => world.mounted.get(id)?.options;
    expect(optionsOf('C')).toEqual(
      expect.arrayContaining(['uid=1000', 'gid=34', 'file_mode=0644', 'dir_mode=0750']),
    );
    expect(optionsOf('D')).toEqual(
      expect.arrayContaining(['uid=33', 'gid=34', 'file_mode=0644', 'dir_mode=0755']),
    );
    const next = sharesOf(world, file);
    await next.load();
    expect(next.list().map(({ share }) => share.owner)).toEqual([
      { ...DEFAULT_OWNER, ...owner },
      DEFAULT_OWNER,
    ]);
  });

  test('settings that change nothing of what was chosen leave the share mounted', async () => {
    const owner = { uid: 1000, gid: 1000 };
    const path = join(folder, 'a');
    await shares.add({ name: 'C', path, isReadOnly: false, user: undefined, owner }, undefined, signal);
    shares.setOwner({ ...DEFAULT_OWNER, uid: 33, gid: 33 });
    expect(stateOf('C')).toBe('healthy');
    expect(world.mounts).toBe(1);
  });

  test('one that neither host nor guest can be asked about in time has a reason all the same', async () => {
    await add('C', 'a');
    world.silent.add('C');
    expect(await shares.problemOf('C', signal)).toMatchObject({ step: 'probe' });
    world.silent.clear();
    await until('C', 'healthy');
  });

  test('it is off as soon as the VM is gone, and cannot be bound', async () => {
    await add('C', 'a');
    shares.vmLost();
    expect(stateOf('C')).toBe('off');
    expect(await shares.problemOf('C', signal)).toMatchObject({ reason: 'share C is not mounted yet' });
  });
});

describe('a check', () => {
  const verdicts = async () =>
    (await shares.check('C', signal)).map(({ step, verdict }) => `${step} ${verdict}`);

  test('passes every step of a share that works', async () => {
    await up();
    await add('C', 'a');
    expect(new Set((await shares.check('C', signal)).map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
  });

  test('ends at the step that fails, with the reason', async () => {
    await up();
    await add('C', 'a');
    world.outcomes.set('C', { ok: false, step: 'login', errno: 13, text: '' });
    const steps = await shares.check('C', signal);
    expect(steps.find(({ verdict }) => verdict === 'failed')).toMatchObject({
      step: 'login',
      detail: expect.stringMatching(/refuses the login/) as string,
    });
    expect(await verdicts()).toEqual([
      'folder ok',
      'server ok',
      'account ok',
      'tcp ok',
      'negotiate ok',
      'login failed',
      'tree skipped',
      'mount skipped',
      'probe skipped',
    ]);
  });

  test('looks at the folder while the VM is off', async () => {
    await add('C', 'a');
    await rm(join(folder, 'a'), { recursive: true });
    expect(await verdicts()).toContain('folder failed');
    await mkdir(join(folder, 'a'));
    expect((await shares.check('C', signal))[1]).toMatchObject({
      verdict: 'skipped',
      detail: 'the VM is off',
    });
  });
});
