import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor, type RunOptions, type RunResult } from '../../src/core/host/index.js';
import { QemuKvpExchange, syncGuestTime } from '../../src/kvp/index.js';
import { createAuthority, issueLeaf } from '../../src/proxy/index.js';
import { inGuest } from '../support/guest-shell.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

/** Configuration, key-value exchange and mutual TLS between the daemon and the real guest, in one life of one machine. */
const IMAGE = 'mobyvm-busybox';
const ENGINE = '10.0.75.2:2376';
let instance: Instance;
/** What `mobyvm kvp set` said as soon as the VM existed. */
let setDuringBoot: RunResult;

beforeAll(async () => {
  instance = await Instance.create({
    engine: { daemonJson: { labels: ['planted=ü'], 'log-driver': 'local' } },
  });
  const setEarly = async (): Promise<void> => {
    const check = async (): Promise<boolean> => {
      setDuringBoot = await kvp('set', 'early', 'value');
      return setDuringBoot.exitCode === 0;
    };
    await waitFor(
      { title: 'the VM to exist', timeoutSeconds: 120, hint: '', check },
      new AbortController().signal,
    );
  };
  await Promise.all([instance.up(), setEarly()]);
  await makeBusyboxImage(instance, IMAGE);
});
afterAll(() => instance[Symbol.asyncDispose]());

const stateFile = (...names: string[]): string => join(instance.directory, 'state', ...names);

async function kvp(...args: readonly string[]): Promise<RunResult> {
  return instance.mobyvm(['kvp', ...args]);
}

async function items(pool: string): Promise<Record<string, string>> {
  const { stdout } = await kvp('list', '--pool', pool, '--json');
  const listing = JSON.parse(stdout) as { items: { name: string; value: string }[] };
  return Object.fromEntries(listing.items.map(({ name, value }) => [name, value]));
}

describe('the guest', () => {
  test('runs its engine with the settings, name and time from the host', async () => {
    expect(await instance.docker(['info', '--format', '{{.LoggingDriver}} {{.Labels}} {{.Name}}'])).toBe(
      'local [planted=ü] moby\n',
    );
    const offsetSeconds = Number(await inGuest(instance, IMAGE, 'date +%s\n')) - Date.now() / 1000;
    expect(Math.abs(offsetSeconds)).toBeLessThan(60);
  });

  test('lets only root read the token', async () => {
    const token = await readFile(stateFile('token'), 'utf8');
    const seen = await inGuest(
      instance,
      IMAGE,
      'cat /run/mobyvm/token; echo; stat -c %a /run/mobyvm/token\n',
    );
    expect(seen).toBe(`${token.trim()}\n600\n`);
  });

  test('reports its system, kernel and address in the status', async () => {
    await waitFor(
      {
        title: 'the facts',
        timeoutSeconds: 180,
        hint: '',
        check: async () => (await instance.status())['guest'] !== undefined,
      },
      new AbortController().signal,
    );
    expect(await instance.status()).toMatchObject({
      guest: {
        os: expect.stringContaining('Debian') as string,
        kernel: expect.stringContaining('cloud-amd64') as string,
        addresses: expect.arrayContaining(['10.0.75.2']) as string[],
      },
    });
  });
});

describe('the key-value exchange by command', () => {
  test('stores a value while the VM boots, which then arrives', async () => {
    expect(setDuringBoot.stdout).toBe('Stored. The VM gets it when it has booted.\n');
    const check = async (): Promise<boolean> =>
      (await inGuest(instance, IMAGE, 'strings /var/lib/hyperv/.kvp_pool_0\n')).includes('early\nvalue');
    await waitFor({ title: 'the value', timeoutSeconds: 180, hint: '', check }, new AbortController().signal);
    await kvp('remove', 'early');
  });

  test('sets, shows and removes an item of the host through the unmodified daemon', async () => {
    expect((await kvp('set', 'cifsmount', '/c;/C;username=u ü')).exitCode).toBe(0);
    expect(await items('host')).toEqual({ cifsmount: '/c;/C;username=u ü' });
    expect(await inGuest(instance, IMAGE, 'strings /var/lib/hyperv/.kvp_pool_0 | head -n 1\n')).toContain(
      'cifsmount',
    );
    expect((await kvp('remove', 'cifsmount')).exitCode).toBe(0);
    expect((await kvp('remove', 'cifsmount')).exitCode).toBe(0);
    expect((await kvp('list')).stdout).toBe('The host pool is empty.\n');
  });

  test('continues when the daemon in the guest is killed', async () => {
    await kvp('set', 'kept', 'value');
    await inGuest(instance, IMAGE, 'kill -9 $(pidof hv_kvp_daemon)\n');
    expect(await items('host')).toEqual({ kept: 'value' });
    expect(await items('intrinsic')).toHaveProperty('OSName');
    await kvp('remove', 'kept');
  });

  test('reads a secret from standard input and never shows it', async () => {
    const set = await instance.mobyvm(['kvp', 'set', 'password', '--secret'], {
      input: 'very planted secret\n',
    });
    expect(set.exitCode).toBe(0);
    const shown = [await kvp('list'), await kvp('list', '--json')].map(({ stdout }) => stdout).join('');
    expect(shown).toContain('***');
    expect(shown).not.toContain('planted secret');
    await kvp('remove', 'password');
    // The daemon in the guest would leave the tail of a longer value behind.
    expect(
      await inGuest(instance, IMAGE, 'grep -c "planted secret" /run/mobyvm/pools/.kvp_pool_0; true\n'),
    ).toBe('0\n');
  });

  test('shows 128 items of 1 KB that the guest set', async () => {
    const records = Buffer.alloc(128 * 2_560);
    for (let index = 0; index < 128; index += 1) {
      records.write(`item ${index}`, index * 2_560);
      records.write(`${index} `.padEnd(1_000, 'x'), index * 2_560 + 512);
    }
    const pool = '/run/mobyvm/pools/.kvp_pool_1';
    const append = [
      `base64 -d >/run/more <<END`,
      records.toString('base64').replaceAll(/.{76}/g, '$&\n'),
      'END',
      `cat ${pool} /run/more >${pool}.new && mv ${pool}.new ${pool} && rm /run/more`,
    ];
    await inGuest(instance, IMAGE, `${append.join('\n')}\n`);
    const shown = await items('guest');
    // Of the guest's own items there are one or two: its last answer is kept for a while.
    expect(Object.keys(shown).filter((name) => name.startsWith('item '))).toHaveLength(128);
    expect(shown['item 127']).toBe('127 '.padEnd(1_000, 'x'));
  });

  test('shows what the guest set and what it reports about its system', async () => {
    expect(await items('guest')).toHaveProperty(['mobyvm.guest']);
    expect(await items('intrinsic')).toMatchObject({
      OSName: 'Debian GNU/Linux',
      ProcessorArchitecture: 'x86_64',
    });
  });

  test.each([
    ['a reserved name', ['set', 'mobyvm.config', 'x'], 'mobyvm.'],
    ['a value that is too long', ['set', 'n', 'x'.repeat(1_100)], '1023 fit'],
    ['no name', ['set', '', 'x'], 'needs a name'],
  ])('refuses %s', async (_what, args, message) => {
    const { exitCode, stderr } = await kvp(...args);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('MOBYVM_KVP_LIMIT');
    expect(stderr).toContain(message);
  });
});

describe('the engine', () => {
  /** What comes back for a plain request through `openssl s_client`, which ends by itself. */
  async function askWithTls(...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await run(
      'ip',
      [
        'netns',
        'exec',
        instance.namespace,
        'openssl',
        's_client',
        '-quiet',
        '-ign_eof',
        '-connect',
        ENGINE,
        ...args,
      ],
      { input: 'GET /_ping HTTP/1.0\r\n\r\n', acceptExitCodes: [0, 1], timeoutMs: 30_000 },
    );
    return stdout + stderr;
  }

  async function withPair(name: string, pair: { certificate: string; key: string }): Promise<string[]> {
    const files = [
      join(instance.directory, `${name}.pem`),
      join(instance.directory, `${name}-key.pem`),
    ] as const;
    await writeFile(files[0], pair.certificate);
    await writeFile(files[1], pair.key, { mode: 0o600 });
    return ['-cert', files[0], '-key', files[1]];
  }

  test('accepts a certificate of the machine’s authority', async () => {
    const [cert, key] = [stateFile('tls', 'client.pem'), stateFile('tls', 'client-key.pem')];
    const answer = await askWithTls('-cert', cert, '-key', key, '-CAfile', stateFile('tls', 'ca.pem'));
    expect(answer).toContain('200 OK');
  });

  test('rejects a client without a certificate', async () => {
    const answer = await askWithTls('-CAfile', stateFile('tls', 'ca.pem'));
    expect(answer).not.toContain('200 OK');
    expect(answer).toMatch(/alert/i);
  });

  test('rejects a certificate of another authority', async () => {
    const now = { nowMs: Date.now() };
    const authority = await createAuthority({ machineId: 'another', ...now });
    const pair = await withPair('foreign', await issueLeaf(authority, { role: 'client', ...now }));
    const answer = await askWithTls(...pair);
    expect(answer).not.toContain('200 OK');
    expect(answer).toMatch(/alert/i);
  });

  test('rejects a client without TLS, and has no plain port', async () => {
    const plain = async (port: string): Promise<string> => {
      const args = ['netns', 'exec', instance.namespace, 'busybox', 'nc', '-w', '5', '10.0.75.2', port];
      const { stdout } = await run('ip', args, {
        input: 'GET /_ping HTTP/1.0\r\n\r\n',
        acceptExitCodes: [0, 1, 2],
        timeoutMs: 30_000,
      });
      return stdout;
    };
    expect(await plain('2376')).not.toContain('200 OK');
    expect(await plain('2375')).toBe('');
  });
});

test('no secret of the machine is readable by other users', async () => {
  const token = (await readFile(stateFile('token'), 'utf8')).trim();
  const keys = await Promise.all(
    ['server-key.pem', 'client-key.pem', 'ca-key.pem'].map((name) =>
      readFile(stateFile('tls', name), 'utf8'),
    ),
  );
  const secrets = [token, ...keys.map((key) => key.split('\n')[1] ?? '')];
  expect(secrets.every((secret) => secret.length > 40)).toBe(true);
  const { stdout: processes } = await run('ps', ['-eo', 'args=', '-ww']);
  const logs = await Promise.all(
    ['daemon.log', 'console.log', 'qemu.log'].map((name) =>
      readFile(join(instance.directory, 'log', name), 'utf8').catch(() => ''),
    ),
  );
  const lists = await Promise.all(
    ['host', 'guest', 'intrinsic'].map((pool) => kvp('list', '--pool', pool, '--json')),
  );
  const onHost = [processes, ...logs, ...lists.map(({ stdout }) => stdout)].join('\n');
  for (const secret of secrets) expect(onHost).not.toContain(secret);
  // The patterns lie in a file that the script makes from its own input and removes: they are not looked for in there.
  const search = [
    'cat >/run/patterns <<END',
    ...secrets,
    'END',
    'chmod 600 /run/patterns',
    'find /run/mobyvm/token /run/mobyvm/pools /run/mobyvm/agent /var/lib/hyperv /var/log /etc /root /tmp -type f |',
    '  while read -r file; do grep -aFqsf /run/patterns "$file" && echo "$file"; done',
    'for each in /proc/[0-9]*; do grep -aFqsf /run/patterns "$each/cmdline" "$each/environ" && echo "$each"; done',
    'rm /run/patterns; true',
  ];
  expect(await inGuest(instance, IMAGE, `${search.join('\n')}\n`)).toBe(
    // Where it belongs, and the proof that the search finds what is there.
    '/run/mobyvm/token\n',
  );
});

/** As on Hyper-V, where the guest has no clock service. The daemon is killed first: it would step the clock itself. */
test('a clock that is an hour off and not kept by the guest is stepped to the host’s time', async () => {
  const wrong =
    'rc-service mobyvm-clock stop >/dev/null 2>&1; date -s "@$(($(date +%s) + 3600))" >/dev/null\n';
  process.kill(await instance.daemonPid(), 'SIGKILL');
  await inGuest({ docker: withoutDaemon }, IMAGE, wrong);
  const kvp = new QemuKvpExchange({
    socketPath: join(instance.directory, 'run/vm/kvp.sock'),
    readySeconds: 60,
  });
  try {
    const ask = () =>
      syncGuestTime(kvp, { nowMs: Date.now, timeoutSeconds: 60, signal: new AbortController().signal });
    const first = await ask();
    expect(first?.action).toBe('stepped');
    expect(first?.offsetMs).toBeGreaterThan(3_500_000);
    expect(first?.offsetMs).toBeLessThan(3_660_000);
    const second = await ask();
    // What is left is the time that the request took to arrive.
    expect(Math.abs(second?.offsetMs ?? Number.NaN)).toBeLessThan(60_000);
  } finally {
    await kvp.close();
  }
});

/** Straight to the engine in the VM, with the daemon's certificate. */
async function withoutDaemon(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const credentials = [
    ['--tlscacert', 'ca.pem'],
    ['--tlscert', 'client.pem'],
    ['--tlskey', 'client-key.pem'],
  ].flatMap(([option = '', file = '']) => [option, stateFile('tls', file)]);
  const docker = ['docker', '-H', `tcp://${ENGINE}`, '--tls', ...credentials];
  const { stdout } = await run('ip', ['netns', 'exec', instance.namespace, ...docker, ...args], {
    timeoutMs: 180_000,
    ...options,
  });
  return stdout;
}
