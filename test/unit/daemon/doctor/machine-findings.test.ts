import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MobyvmError, parseIpv4, parseSubnet } from '../../../../src/core/values/index.js';
import { causesFirst } from '../../../../src/daemon/doctor/causes.plan.js';
import { judgeCertificates } from '../../../../src/daemon/doctor/certificates-finding.js';
import { fine } from '../../../../src/daemon/doctor/finding.js';
import { lookAtAll } from '../../../../src/daemon/doctor/look.js';
import { machineFindings, type ExaminedParts } from '../../../../src/daemon/doctor/machine-findings.js';
import {
  judgeClock,
  judgeGuestDisk,
  judgeVm,
} from '../../../../src/daemon/doctor/machine-judgements.plan.js';
import { judgeShares } from '../../../../src/daemon/doctor/shares-finding.plan.js';
import { ShownTokens } from '../../../../src/daemon/guest/index.js';
import type { MachineStatus } from '../../../../src/daemon/machine/machine-status.js';
import { createAuthority, issueLeaf, type UpstreamState } from '../../../../src/proxy/index.js';
import { hostTable } from '../../../../src/proxy/dns/host-table.plan.js';
import { LocalZone } from '../../../../src/proxy/dns/local-zone.plan.js';
import { planQuery } from '../../../../src/proxy/dns/query.plan.js';
import { DEFAULT_OWNER, type ListedShare } from '../../../../src/share/index.js';
import { failureOfMount } from '../../../../src/share/state/share-failure.plan.js';

const { signal } = new AbortController();
const DAY_MS = 86_400_000;
const issuedMs = Date.parse('2026-01-01T00:00:00Z');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-machine-'));
  await issue(issuedMs);
});
afterEach(() => rm(folder, { recursive: true }));

async function issue(nowMs: number): Promise<void> {
  const ca = await createAuthority({ machineId: 'machine', nowMs });
  await writeFile(join(folder, 'ca.pem'), ca.certificate);
  for (const role of ['server', 'client'] as const)
    await writeFile(join(folder, `${role}.pem`), (await issueLeaf(ca, { role, nowMs })).certificate);
}

describe('certificates', () => {
  test('are fine while they are valid', async () => {
    expect(await judgeCertificates(folder, issuedMs + DAY_MS)).toMatchObject({ verdict: 'fine' });
  });

  test('that have expired are a problem that a restart solves', async () => {
    expect(await judgeCertificates(folder, issuedMs + 3_000 * DAY_MS)).toMatchObject({
      verdict: 'problem',
      detail: expect.stringMatching(/^the engine's certificate expired on \d{4}-\d\d-\d\d$/) as string,
      remedy: expect.stringContaining('mobyvm restart') as string,
    });
  });

  test("that are not valid yet say that this host's clock is wrong", async () => {
    expect(await judgeCertificates(folder, issuedMs - 400 * DAY_MS)).toMatchObject({
      verdict: 'problem',
      detail: expect.stringContaining("but this host's clock says 2024-11-27") as string,
    });
  });

  test('that are damaged are a problem, and those that do not exist are none', async () => {
    await writeFile(join(folder, 'server.pem'), 'damaged');
    expect(await judgeCertificates(folder, issuedMs)).toMatchObject({
      verdict: 'problem',
      detail: expect.stringContaining("the engine's certificate is damaged") as string,
    });
    expect(await judgeCertificates(join(folder, 'none'), issuedMs)).toMatchObject({ verdict: 'unknown' });
  });
});

test('a wrong password of a share is named with the command that takes another', () => {
  const EACCES = 13;
  const { failure } = failureOfMount({ ok: false, step: 'login', errno: EACCES, text: '' }, 'U');
  const steps = [
    { step: 'tcp', verdict: 'ok', detail: '', remedy: '' },
    { step: 'login', verdict: 'failed', detail: failure.reason, remedy: failure.remedy },
  ] as const;
  const bad = { name: 'U', status: {}, steps } as const;
  expect(judgeShares([bad])).toEqual({
    verdict: 'problem',
    detail: 'U: the file server refuses the login for U: user or password is wrong (error 13)',
    remedy: 'Enter the password: mobyvm share set-credentials U',
  });
  // On Windows, what was seen last.
  const known = { name: 'U', status: { failure }, steps: undefined } as const;
  expect(judgeShares([known, bad]).detail).toMatch(/is wrong \(error 13\); 1 more$/);
  expect(judgeShares([])).toMatchObject({ verdict: 'fine' });
});

test.each([
  [1_500, 'fine'],
  [-5_000, 'notice'],
  [7_200_000, 'problem'],
])('a clock that is %d ms ahead: %s', (offsetMs, verdict) => {
  expect(judgeClock(offsetMs).verdict).toBe(verdict);
});

test.each([
  [10_000, 'fine'],
  [1_000, 'notice'],
  [100, 'problem'],
])('a data disk with %d of 10,000 KiB free: %s', (freeKiB, verdict) => {
  expect(judgeGuestDisk({ totalKiB: 10_000, freeKiB, files: 1_000, freeFiles: 900 }).verdict).toBe(verdict);
});

test.each<[string, Pick<MachineStatus, 'state' | 'vm' | 'error'>, string, RegExp]>([
  ['runs', { state: 'running', vm: vm('running') }, 'fine', /^running/],
  ['is stopped', { state: 'stopped', vm: vm('off') }, 'fine', /^stopped/],
  [
    'does not answer',
    { state: 'degraded', vm: vm('unknown') },
    'problem',
    /something has stopped its process/,
  ],
  [
    'has died',
    {
      state: 'failed',
      vm: vm('off'),
      error: { code: 'MOBYVM_VM_DIED', message: 'It ended.', remedy: 'Up.', details: {} },
    },
    'problem',
    /^It ended$/,
  ],
])('a VM that %s', (_what, status, verdict, detail) => {
  expect(judgeVm(status)).toMatchObject({ verdict, detail: expect.stringMatching(detail) as string });
});

function vm(state: string): MachineStatus['vm'] {
  return { driver: 'qemu', state, machineId: 'id' };
}

test('a token counts as wrong until the same program has shown the right one', () => {
  let nowMs = 1_000;
  const tokens = new ShownTokens(() => nowMs++);
  expect(tokens.wrong).toBeUndefined();
  tokens.by('a')(false);
  tokens.by('b')(false);
  expect(tokens.wrong).toEqual({ who: 'b', atMs: 1_001 });
  tokens.by('b')(true);
  expect(tokens.wrong).toEqual({ who: 'a', atMs: 1_000 });
});

test('a check that hangs is unknown, and the others are answered', async () => {
  const findings = await lookAtAll(
    [
      { id: 'hung', title: 'Hung', look: () => new Promise(() => undefined) },
      { id: 'well', title: 'Well', look: () => fine('well') },
    ],
    { seconds: 0.05, signal },
  );
  expect(findings).toMatchObject([
    { id: 'hung', verdict: 'unknown', detail: 'could not be checked: no answer within 0.05 s' },
    { id: 'well', verdict: 'fine' },
  ]);
});

describe('a machine', () => {
  const refused = new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'connect ECONNREFUSED.', '');
  const status = {
    state: 'degraded',
    since: '2026-01-01T00:00:00.000Z',
    vm: vm('running'),
    guest: { os: '', kernel: '', addresses: [] },
  };

  function parts(changes: Partial<ExaminedParts['machine']> = {}): ExaminedParts {
    return {
      machine: {
        status: () => Promise.reject(refused),
        state: 'degraded',
        resources: () => [],
        pingEngine: () => Promise.reject(refused),
        kvp: { list: () => Promise.resolve({ items: [], unreadable: 0 }) },
        ...changes,
      },
      dns: () => undefined,
      shares: { load: () => Promise.resolve(), list: () => [], check: () => Promise.resolve([]) },
      wrongToken: () => undefined,
      tlsDir: folder,
      checksShares: true,
    };
  }
  const examined = async (of: ExaminedParts, found: object = status) =>
    causesFirst(await machineFindings(of, Promise.resolve(found as MachineStatus), signal));

  test('whose engine is dead has that first, and the clock that cannot be asked because of it', async () => {
    await issue(Date.now());
    const [first, ...rest] = await examined(parts());
    expect(first).toMatchObject({ id: 'engine', detail: 'does not answer: connect ECONNREFUSED' });
    expect(rest.find(({ id }) => id === 'clock')).toMatchObject({
      verdict: 'unknown',
      detail: expect.stringContaining('because of "Docker Engine"') as string,
    });
    expect(rest.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
  });

  test('whose certificates have expired has that first, and not its engine', async () => {
    await issue(Date.now() - 3_000 * DAY_MS);
    const [first, ...rest] = await examined(parts());
    expect(first?.id).toBe('certificates');
    expect(rest.find(({ id }) => id === 'engine')).toMatchObject({ remedy: 'Fix "Certificates" first.' });
  });

  test('whose share has a wrong password has that first, before what is only worth a notice', async () => {
    await issue(Date.now());
    const EACCES = 13;
    const { failure } = failureOfMount({ ok: false, step: 'login', errno: EACCES, text: '' }, 'C');
    const share = { id: 'c', name: 'C', hostPath: 'C:\\', points: ['/c'], isReadOnly: false };
    const listed = {
      share: { ...share, account: { kind: 'user', user: 'me' }, owner: DEFAULT_OWNER },
      status: { state: 'failed', failure },
    } as unknown as ListedShare;
    const [first, ...rest] = await examined({
      ...parts({ pingEngine: () => Promise.resolve({ clockOffsetMs: -5_000 }) }),
      shares: { load: () => Promise.resolve(), list: () => [listed], check: () => Promise.resolve([]) },
      checksShares: false,
    });
    expect(first).toMatchObject({
      id: 'shares',
      verdict: 'problem',
      detail: 'C: the file server refuses the login for C: user or password is wrong (error 13)',
      remedy: 'Enter the password: mobyvm share set-credentials C',
    });
    expect(rest.slice(0, 3)).toMatchObject([
      { id: 'data-disk', verdict: 'unknown' },
      { id: 'dns', verdict: 'unknown' },
      { id: 'clock', verdict: 'notice' },
    ]);
  });

  test('is asked for a name that only servers of the host can answer', async () => {
    await issue(Date.now());
    const asked: Uint8Array[] = [];
    const ask = (query: Uint8Array): Promise<never> => {
      asked.push(query);
      return Promise.reject(new Error('no answer'));
    };
    const endpoint = { address: parseIpv4('192.0.2.53'), port: 53 };
    const servers = () => [{ endpoint, domain: undefined }] as unknown as readonly UpstreamState[];
    const found = await examined({ ...parts(), dns: () => ({ ask, servers }) });
    expect(found.find(({ id }) => id === 'dns')).toMatchObject({
      verdict: 'problem',
      detail: 'no server answers: 192.0.2.53:53',
    });
    const zone = new LocalZone({
      serverAddress: parseIpv4('10.0.75.1'),
      subnet: parseSubnet('10.0.75.0/24'),
      names: new Map(),
      settingsHosts: hostTable([]),
      hostsFile: hostTable([]),
      servedDomains: [],
    });
    expect(asked.map((query) => planQuery(query, zone).kind)).toEqual(['forward']);
  });

  test('that is stopped has nothing to ask', async () => {
    const stopped = await examined(parts({ state: 'stopped' }), {
      ...status,
      state: 'stopped',
      vm: vm('off'),
    });
    expect(stopped).toMatchObject([{ id: 'vm', verdict: 'fine' }]);
  });
});
