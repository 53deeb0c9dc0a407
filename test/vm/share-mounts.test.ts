import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, silentLogger, sleep } from '../../src/core/host/index.js';
import { HeldContainers } from '../../src/daemon/shares/index.js';
import { engineClient } from '../../src/proxy/index.js';
import {
  Shares,
  type ListedShare,
  type MountHealth,
  type MountOrder,
  type MountOutcome,
  type ShareStatus,
} from '../../src/share/index.js';
import { FakeCredentials, PLACE } from '../support/share-fake.js';
import { Samba, SMB_USER } from '../support/vm/samba.js';
import { ShareGuest } from '../support/vm/share-guest.js';
import { until } from '../support/vm/vm-harness.js';

/** Shares in the real guest, from a real smbd, asked for over the key-value exchange: one boot for all. */
const never = new AbortController().signal;
const PASSWORD = 'first password';
const OPTIONS = ['noperm', 'iocharset=utf8', 'vers=3.0', 'actimeo=1', 'echo_interval=1'];
const NUMBERED = Array.from({ length: 8 }, (_, index) => `S${index}`);
let folder = '';
let guest: ShareGuest;
let samba: Samba;
let image = '';
const health = new Map<string, MountHealth>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `mvshare-files${process.pid}-`));
  await mkdir(join(folder, 'c/site'), { recursive: true });
  await writeFile(join(folder, 'c/site/index.html'), 'hello from the host\n');
  guest = await ShareGuest.create();
  const path = join(folder, 'c');
  samba = await Samba.create(join(folder, 'smb'), guest.vm.namespace, [
    ...['C', 'seed', ...NUMBERED].map((name) => ({ name, path })),
    { name: 'gone', path: join(folder, 'gone') },
    { name: 'deny', path, lines: ['valid users = root'] },
  ]);
  await samba.setPassword(PASSWORD);
  await samba.start();
  guest.mounts.onHealth((id, each) => health.set(id, each));
  await guest.start();
  const [, outcome] = await Promise.all([
    guest.configure(['C', 'G']),
    guest.mounts.mount(order(), never),
    // The host gives up this one.
    guest.mounts.unmount('G', ['/G', '/g'], never),
  ]);
  expect(outcome).toEqual({ ok: true });
  await guest.untilEngineAnswers();
  image = await guest.loadImage();
});
afterAll(async () => {
  await samba[Symbol.asyncDispose]();
  await guest[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function order(changes: Partial<MountOrder> & { readonly password?: string } = {}): MountOrder {
  const { password = PASSWORD, ...more } = changes;
  return {
    id: 'C',
    unc: '//10.0.75.1/C',
    points: ['/C', '/c'],
    login: { user: SMB_USER, domain: '', password },
    options: OPTIONS,
    ...more,
  };
}

/** An order of a share of its own, which no other test uses. */
function another(id: string, changes: Partial<MountOrder> & { readonly password?: string } = {}): MountOrder {
  return order({ id, points: [`/other/${id}`], ...changes });
}

async function untilHealth(id: string, kind: MountHealth['kind']): Promise<void> {
  await until(`the share ${id} to be ${kind}`, () => health.get(id)?.kind === kind, 120);
}

test('the engine starts when every announced share is mounted or given up', async () => {
  const script =
    'cd /run/mobyvm && [ ! shares/C/state -nt engine-reach ] && [ ! shares/G/state -nt engine-reach ]';
  expect(await guest.inGuest(`${script} && echo later\n`)).toBe('later\n');
  expect(await guest.console()).not.toContain('shares!');
});

test('a share is mounted on its first point and bound to the other, and works both ways', async () => {
  const read = ['run', '--rm', '-v', '/C/site:/a:ro', '-v', '/c:/b', image];
  const script = 'cat /a/index.html; echo from the container >/b/written';
  expect(await guest.docker([...read, 'sh', '-c', script])).toBe('hello from the host\n');
  expect(await readdir(join(folder, 'c'))).toContain('written');
});

test('the same order again mounts nothing', async () => {
  const mounts = () => guest.inGuest("grep ' /C ' /proc/self/mountinfo | tail -n 1\n");
  const before = await mounts();
  expect(await guest.mounts.mount(order(), never)).toEqual({ ok: true });
  expect(await mounts()).toBe(before);
});

describe('a share that cannot be mounted', () => {
  /** Fails if root in the guest or the engine can create anything in place of the shares. */
  async function expectNothingInPlaceOf(ids: readonly string[]): Promise<void> {
    const script = `for id in ${ids.join(' ')}; do mkdir /other/$id/new; ls -A /other/$id; done\n`;
    const told = (await guest.inGuest(`(${script}) 2>&1`)).trimEnd().split('\n');
    expect(told).toHaveLength(ids.length);
    ids.forEach((id, at) =>
      expect(told[at]).toMatch(new RegExp(`/other/${id}/new.*: Read-only file system$`)),
    );
  }

  const REFUSALS: [title: string, id: string, changes: Parameters<typeof another>[1], expected: object][] = [
    ['a wrong password', 'password', { password: 'wrong' }, { step: 'login', errno: 13 }],
    ['a share that does not exist', 'nope', { unc: '//10.0.75.1/nope' }, { step: 'tree', errno: 2 }],
    // The kernel names only the first of them.
    ['another that does not exist', 'nope2', { unc: '//10.0.75.1/nope2' }, { step: 'tree', errno: 2 }],
    ['a share that the user may not use', 'deny', { unc: '//10.0.75.1/deny' }, { step: 'tree', errno: 13 }],
    ['a folder that is gone', 'gone', { unc: '//10.0.75.1/gone' }, { step: 'tree', errno: 2 }],
    ['a port on which nothing listens', 'port', { options: ['port=446'] }, { step: 'tcp', errno: 111 }],
  ];
  const refused = new Map<string, MountOutcome>();

  // The kernel's messages of all of them are in one log, and each must find its own.
  beforeAll(async () => {
    const mount = async ([, id, changes]: (typeof REFUSALS)[number]): Promise<void> => {
      refused.set(id, await guest.mounts.mount(another(id, changes), never));
    };
    await Promise.all(REFUSALS.map(mount));
  });

  test.each(REFUSALS)('says so: %s', (_title, id, _changes, expected) => {
    expect(refused.get(id)).toMatchObject({ ok: false, ...expected });
  });

  test('leaves a read-only folder in its place', async () => {
    await expectNothingInPlaceOf(REFUSALS.map(([, id]) => id));
  });

  test('says so: packets are dropped', async () => {
    await guest.vm.namespace.run('nft', ['add table inet t']);
    try {
      await guest.vm.namespace.run('nft', [
        'add chain inet t input { type filter hook input priority 0; }; add rule inet t input tcp dport 445 drop',
      ]);
      const outcome = await guest.mounts.mount(another('dropped'), never);
      expect(outcome).toMatchObject({ ok: false, step: 'tcp', errno: 0 });
    } finally {
      await guest.vm.namespace.run('nft', ['delete table inet t']);
    }
  });

  test('says so: the server is frozen, and mounts when it is not', async () => {
    await samba.signal('SIGSTOP');
    try {
      const outcome = await guest.mounts.mount(another('frozen'), never);
      expect(outcome).toMatchObject({ ok: false, step: 'negotiate', errno: 0 });
      await expectNothingInPlaceOf(['dropped', 'frozen']);
    } finally {
      await samba.signal('SIGCONT');
    }
    // As the daemon does, until the server has caught up.
    const isMounted = async (): Promise<boolean> => (await guest.mounts.mount(another('frozen'), never)).ok;
    await until('the share to be mounted', isMounted, 120);
  });

  test('may not be mounted over what the guest needs', async () => {
    for (const point of ['/etc', '/run/x', '/mnt', '/C']) {
      const outcome = await guest.mounts.mount(another('system', { points: [point] }), never);
      expect(outcome).toMatchObject({ ok: false, step: 'mount' });
    }
  });

  test('refuses a container that binds it, and names the reason', async () => {
    const create = guest.docker(['run', '--rm', '-v', '/G:/x', image, 'ls', '/x']);
    await expect(create).rejects.toThrow('mobyvm: share G is not mounted: the host does not offer it');
    await expect(guest.docker(['run', '--rm', '-v', '/G/site:/x', image, 'ls'])).rejects.toThrow(
      'read-only file system',
    );
    expect(await guest.inGuest('ls -A /G /g\n')).toBe('/G:\n\n/g:\n');
  });
});

describe('health', () => {
  test('is reported for mounted and absent shares', async () => {
    await untilHealth('C', 'mounted');
    await untilHealth('G', 'absent');
    expect(await guest.mounts.probe('C', never)).toEqual({ kind: 'mounted' });
    expect(await guest.mounts.probe('G', never)).toEqual({ kind: 'absent' });
    expect(await guest.mounts.probe('unknown', never)).toEqual({ kind: 'absent' });
  });

  test('reports a frozen server, and when it continues', async () => {
    await samba.signal('SIGSTOP');
    try {
      expect(await guest.mounts.probe('C', never)).toEqual({ kind: 'broken', errno: 110 });
      await untilHealth('C', 'broken');
    } finally {
      await samba.signal('SIGCONT');
    }
    await untilHealth('C', 'mounted');
  });

  test('reports a server that was killed, and when it is back', async () => {
    await samba.kill();
    await untilHealth('C', 'broken');
    await samba.start();
    await untilHealth('C', 'mounted');
    expect(await guest.inGuest('cat /C/site/index.html\n')).toBe('hello from the host\n');
  });
});

describe('a container with a restart policy', () => {
  test('is held while its share is not mounted, and started when it is', async () => {
    const socket = join(guest.folder, 'engine.sock');
    guest.vm.namespace.start('socat', [
      `UNIX-LISTEN:${socket},fork`,
      `OPENSSL:10.0.75.2:2376,cert=${join(guest.folder, 'client-cert.pem')},key=${join(guest.folder, 'client-key.pem')},verify=0`,
    ]);
    const engine = engineClient({
      dial: () => Promise.resolve(createConnection(socket)),
      nowMs: Date.now,
      timeoutMs: 60_000,
    });
    const held = new HeldContainers({ engine, logger: silentLogger });
    const binding = ['-v', '/C/site:/site', image, 'sh', '-c', 'cat /site/index.html && exec sleep 1000000'];
    await guest.docker(['run', '-d', '--name', 'web', '--restart', 'always', ...binding]);
    await guest.docker(['run', '-d', '--name', 'stopped', '--restart', 'unless-stopped', ...binding]);
    await guest.docker(['stop', '-t', '0', 'stopped']);
    // As at a boot: the engine starts without the share.
    // Outside of its container's control group, with which it would end, and mount namespace, in which it would see no mounts.
    const restart =
      'echo $$ >/sys/fs/cgroup/cgroup.procs; : >/run/moved; exec setsid rc-service docker restart';
    const moved = 'while [ ! -e /run/moved ]; do sleep 0.1; done';
    await guest
      .inGuest(`busybox nsenter -t 1 -m sh -c '${restart}' >/dev/null 2>&1 &\n${moved}\n`)
      .catch(() => '');
    await guest.mounts.unmount('C', ['/C', '/c'], never);
    await until(
      'the container to be held',
      async () => {
        const list = await held.list(['/C', '/c'], never).catch(() => []);
        return list.map(({ name }) => name).join() === 'web';
      },
      240,
    );
    expect(await guest.mounts.mount(order(), never)).toEqual({ ok: true });
    await held.start(['/C', '/c'], never);
    // The engine may have been on its way still, and have started it by itself.
    const isRunning = async (): Promise<boolean> =>
      (await guest.docker(['inspect', '-f', '{{.State.Running}}', 'web']).catch(() => '')).trim() === 'true';
    await until('the container to run', isRunning, 120);
    expect(await guest.docker(['logs', '--tail', '1', 'web'])).toBe('hello from the host\n');
    expect(await held.list(['/C', '/c'], never)).toEqual([]);
    await guest.docker(['rm', '-f', 'web', 'stopped']);
  });
});

test('eight shares are mounted at once', async () => {
  const outcomes = await Promise.all(
    NUMBERED.map((id) => guest.mounts.mount(another(id, { unc: `//10.0.75.1/${id}` }), never)),
  );
  expect(outcomes).toEqual(NUMBERED.map(() => ({ ok: true })));
});

describe('a password', () => {
  const passwords = [
    ...['a,b', ',,,', '"', "'", '`$HOME`', 'back\\', '\\\\', 'a;b#c', '%41%', ' both ends ', '=x', 'üml€'],
    ...['😀 emoji', 'x'.repeat(127), 'pässwörd,"$\\;% '.repeat(8).slice(0, 112)],
  ];

  test.each(passwords)('may be %j', async (password) => {
    await samba.setPassword(password);
    expect(await guest.mounts.mount(another('passwords', { password }), never)).toEqual({ ok: true });
  });

  test('may not have more than 128 bytes, and the guest says so', async () => {
    const outcome = await guest.mounts.mount(another('passwords', { password: 'ü'.repeat(65) }), never);
    expect(outcome).toMatchObject({ ok: false, step: 'login', errno: 0 });
  });

  test('is nowhere in the guest afterwards', async () => {
    const planted = 'planted-7f3a-secret';
    await samba.setPassword(planted);
    const seen = guest.inGuest(
      'end=$(($(date +%s) + 20)); while [ $(date +%s) -lt $end ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -c "planted-7f3a-[s]ecret"; done | grep -c "[1-9]"; true\n',
    );
    for (const id of ['once', 'twice'])
      expect(await guest.mounts.mount(another(id, { password: planted }), never)).toEqual({ ok: true });
    expect(await guest.mounts.mount(another('no', { password: `${planted}!` }), never)).toMatchObject({
      ok: false,
      step: 'login',
    });
    expect(await seen).toBe('0\n');
    // Not the pipes, whose reader would wait.
    const files =
      'find /run /var/log /tmp /etc -xdev -type f -exec grep -l "planted-7f3a-[s]ecret" {} + 2>/dev/null; ' +
      'grep -l "planted-7f3a-[s]ecret" /run/mobyvm/pools/.kvp_pool_* 2>/dev/null';
    expect(await guest.inGuest(`${files}; dmesg | grep -c "planted-7f3a-[s]ecret"; true\n`)).toBe('0\n');
    expect(await guest.console()).not.toContain(planted);
    expect((await guest.exchange.list('host', never)).items).toEqual([]);
    const { items } = await guest.exchange.list('guest', never);
    expect(JSON.stringify(items)).not.toContain(planted);
  });
});

test('the item cifsmount of an administrator is understood', async () => {
  await samba.setPassword(PASSWORD);
  await guest.exchange.set(
    [
      {
        name: 'cifsmount',
        value: `/seed;/Seed;username=${SMB_USER},password=${PASSWORD},noperm`,
        secret: true,
      },
    ],
    never,
  );
  await until(
    'the answer',
    async () => (await guest.exchange.get('guest', 'cifsmount.result', never)) === 'ok',
    60,
  );
  expect(await guest.inGuest('cat /seed/site/index.html /Seed/site/index.html\n')).toBe(
    'hello from the host\n'.repeat(2),
  );
  await guest.exchange.remove(['cifsmount'], never);
  await guest.exchange.set([{ name: 'cifsumount', value: '/seed;/Seed' }], never);
  await until(
    'the share to be unmounted',
    async () => (await guest.exchange.get('guest', 'cifsumount.result', never)) === 'ok',
    60,
  );
  expect(await guest.inGuest('ls -A /seed\n')).toBe('');
  await guest.exchange.remove(['cifsumount'], never);
});

test('an account of a domain logs in with it', async () => {
  await samba.setPassword(PASSWORD);
  // A session of its own: the kernel would use another one of that user, whatever the domain.
  const options = [...OPTIONS, 'nosharesock'];
  const login = { user: SMB_USER, domain: 'MOBYVM', password: PASSWORD };
  expect(await guest.mounts.mount(another('domain', { login, options }), never)).toEqual({ ok: true });
  expect(await guest.inGuest("grep ' /other/domain ' /proc/mounts\n")).toContain(',domain=MOBYVM,');
  expect(await guest.inGuest('cat /other/domain/site/index.html\n')).toBe('hello from the host\n');
});

describe('as the daemon keeps it, a share', () => {
  const credentials = new FakeCredentials();
  let shares: Shares;

  beforeAll(async () => {
    await samba.setPassword(PASSWORD);
    shares = new Shares({
      path: join(folder, 'shares.json'),
      rule: 'linux',
      server: {
        resources: () => [],
        unc: () => '//10.0.75.1/C',
        port: () => Promise.resolve(445),
        login: async ({ account }) => {
          const user = account.kind === 'user' ? account.user : '';
          return { user, domain: '', password: (await credentials.read(user)) ?? '' };
        },
        // Whatever is wrong, only the VM notices.
        problemOf: () => Promise.resolve(undefined),
        close: () => Promise.resolve(),
      },
      guest: guest.mounts,
      credentials,
      logger: silentLogger,
      checkMs: 3_000,
    });
    await shares.load();
    shares.vmReady(PLACE);
  });
  afterAll(() => shares.vmLost());

  const add = (name: string): Promise<ListedShare> =>
    shares.add({ name, path: join(folder, 'c'), isReadOnly: false, user: SMB_USER }, PASSWORD, never);
  const statusOf = (id: string): ShareStatus | undefined =>
    shares.list().find(({ share }) => share.id === id)?.status;
  const untilState = (id: string, state: string): Promise<void> =>
    until(`the share ${id} to be ${state}`, () => statusOf(id)?.state === state, 240);
  const bootId = (): Promise<string> => guest.inGuest('cat /proc/sys/kernel/random/boot_id\n');

  async function withRule(rule: string, work: () => Promise<void>): Promise<void> {
    const chain = 'add chain inet t input { type filter hook input priority 0; }';
    await guest.vm.namespace.run('nft', ['add table inet t']);
    try {
      await guest.vm.namespace.run('nft', [`${chain}; add rule inet t input tcp dport 445 ${rule}`]);
      await work();
    } finally {
      await guest.vm.namespace.run('nft', ['delete table inet t']);
    }
  }

  test.each([
    ['J', 'reject with tcp reset', 'nothing listens there'],
    // Linux limits how often it sends this answer, and the shares that are mounted ask, too.
    ['K', 'reject with icmp type admin-prohibited', 'there is no route to the host'],
  ])('%s that a firewall keeps away (%s) says so, and heals by itself', async (id, rule, reason) => {
    await withRule(rule, async () => {
      expect((await add(id)).status).toMatchObject({ state: 'unreachable', failure: { step: 'tcp' } });
      const saysSo = (): boolean => statusOf(id)?.failure?.reason.includes(reason) ?? false;
      await until(`the share ${id} to say that ${reason}`, saysSo, 240);
      expect(await guest.inGuest(`mkdir /${id}/new 2>&1; ls -A /${id}\n`)).toContain('Read-only file system');
    });
    await untilState(id, 'healthy');
  });

  test('whose server starts 30 s after the VM asked for it heals by itself', async () => {
    await samba.kill();
    try {
      expect((await add('L')).status).toMatchObject({ state: 'unreachable', failure: { step: 'tcp' } });
      await sleep(30_000);
      expect(statusOf('L')?.state).toBe('unreachable');
      expect(await guest.inGuest('mkdir /L/new 2>&1; ls -A /L\n')).toContain('Read-only file system');
    } finally {
      await samba.start();
    }
    await untilState('L', 'healthy');
    expect(await guest.inGuest('cat /L/site/index.html\n')).toBe('hello from the host\n');
  });

  test('whose password was changed while it is mounted says so, and works after one re-entry', async () => {
    const boot = await bootId();
    // It has the same account, and the daemon of this test does not keep it.
    await guest.mounts.unmount('C', ['/C', '/c'], never);
    expect((await add('P')).status.state).toBe('healthy');
    try {
      await samba.setPassword('changed password');
      await samba.dropSessions();
      await untilState('P', 'needs-credentials');
      expect(statusOf('P')?.failure?.reason).toContain('refuses the login');
      for (const { share } of shares.list()) await untilState(share.id, 'needs-credentials');
      // The kernel would repeat the login about once a second, until the account is locked.
      const refusals = (): Promise<string> => guest.inGuest('dmesg | grep -c "in SessSetup" || true\n');
      const before = Number(await refusals());
      await sleep(20_000);
      expect(Number(await refusals()) - before).toBeLessThan(3);
      await shares.setCredentials('P', 'changed password', never);
      await untilState('P', 'healthy');
      expect(await guest.inGuest('cat /P/site/index.html\n')).toBe('hello from the host\n');
      expect(await bootId()).toBe(boot);
    } finally {
      await samba.setPassword(PASSWORD);
    }
  });
});

test('nothing of all this is left on the host', async () => {
  expect((await readdir(join(folder, 'c'))).sort()).toEqual(['site', 'written']);
  const { stdout } = await run('ls', ['-A', join(folder, 'c/site')]);
  expect(stdout).toBe('index.html\n');
});
