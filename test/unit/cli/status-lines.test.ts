import { describe, expect, test } from 'vitest';
import { statusLines, type StatusText } from '../../../src/cli/render-status.js';
import type { MachineStatus } from '../../../src/protocol/messages.js';

type ResourceHealth = NonNullable<MachineStatus['resources']>[number];

const RUNNING: MachineStatus = {
  state: 'running',
  since: '2026-11-26T10:00:00.000Z',
  daemon: {
    ...{ pid: 7, version: '0.1.0', startedAt: '2026-11-26T09:59:00.000Z', isBackground: true },
    ...{ stateDir: '/s', logDir: '/l', settingsFile: '/settings.json' },
  },
  vm: {
    ...{ driver: 'qemu', state: 'running', accelerator: 'tcg', firmware: 'bios', machineId: 'id' },
    ...{ cpus: 2, memoryMiB: 2048 },
  },
  network: {
    ...{ name: 'mobyvm0', subnet: '10.0.75.0/24', hostAddress: '10.0.75.1', vmAddress: '10.0.75.2' },
    mac: '02:00:00:00:00:01',
  },
  engine: { endpoint: '/run/mobyvm/docker.sock', reachable: true, version: '26.1.5', apiVersion: '1.45' },
};

const VERBOSE = { verbose: true };

const row = (status: MachineStatus, name: string, text?: StatusText): string | undefined =>
  statusLines(status, 'linux', text)
    .find((line) => line.startsWith(`${name} `))
    ?.slice(10);

test('shows the VM, its hardware and its addresses', () => {
  expect(statusLines(RUNNING, 'linux')).toEqual([
    'state     running since 2026-11-26T10:00:00.000Z',
    'engine    Docker 26.1.5 (API 1.45) answers',
    'endpoint  unix:///run/mobyvm/docker.sock',
    'vm        running, qemu, tcg, bios, 2 CPUs, 2048 MiB',
    'network   mobyvm0, 10.0.75.0/24, host 10.0.75.1, VM 10.0.75.2',
  ]);
});

describe('a machine in use that is well', () => {
  const repair = {
    at: '2026-11-26T11:00:00.000Z',
    id: 'bridge',
    title: 'bridge mobyvm0',
    problem: 'missing',
  };
  const used: MachineStatus = {
    ...RUNNING,
    vm: { ...RUNNING.vm, stage: 'engine: dockerd answers' },
    engine: { ...RUNNING.engine, usual: { endpoint: '/run/docker.sock' } },
    guest: {
      ...{ os: 'Debian GNU/Linux 13', kernel: '6.12', addresses: ['10.0.75.2', '172.17.0.1'] },
      disk: { totalKiB: 2 ** 26, freeKiB: 2 ** 25, files: 4_000_000, freeFiles: 3_000_000 },
    },
    ports: { open: 2, waiting: 0, failed: 0 },
    shares: [{ name: 'C', hostPath: '/home/me', isReadOnly: false, state: 'healthy' }],
    fileEvents: { mechanism: 'inotify', watched: 40, problems: [] },
    resources: [{ id: 'bridge', title: 'bridge mobyvm0', health: 'healthy' }],
    repairs: [repair, { ...repair, at: '2026-11-26T12:00:00.000Z' }],
  };

  test('is told in ten lines, with a share, two ports and two repairs', () => {
    const lines = statusLines(used, 'linux');
    expect(lines.map((line) => line.split(' ')[0])).toEqual([
      ...['state', 'engine', 'endpoint', '', 'vm', 'disk', 'network', 'ports', 'share', 'repaired'],
    ]);
    expect(lines.at(-1)).toBe(
      'repaired  bridge mobyvm0 (missing) at 2026-11-26T12:00:00.000Z, and 1 more (`mobyvm status --verbose`)',
    );
  });

  test('is told whole if that is wanted', () => {
    expect(row(used, 'guest', VERBOSE)).toBe('engine: dockerd answers');
    expect(row(used, 'events', VERBOSE)).toBe('from 40 files and folders, by inotify');
    expect(row(used, 'resource', VERBOSE)).toBe('bridge mobyvm0: healthy');
    expect(row(used, 'daemon', VERBOSE)).toBe('pid 7, version 0.1.0, since 2026-11-26T09:59:00.000Z');
    expect(statusLines(used, 'linux', VERBOSE).filter((line) => line.startsWith('repaired '))).toHaveLength(
      2,
    );
  });

  test('also has what does not work', () => {
    const problems = [{ path: '/home/me/x', reason: 'too many files', remedy: 'Bind less.' }];
    expect(row({ ...used, fileEvents: { watched: 0, problems } }, 'events')).toBe(
      'none from /home/me/x: too many files',
    );
    expect(row({ ...used, state: 'starting' }, 'guest')).toBe('engine: dockerd answers');
  });
});

test('says where the ports of containers with the network of the VM are', () => {
  const lines = statusLines({ ...RUNNING, hostNetworkContainers: ['web', 'db'] }, 'linux');
  expect(lines).toContain(
    "          web, db: their ports are at the VM's address, 10.0.75.2 (--network host)",
  );
});

test('shows how full the data disk is once the guest has reported it', () => {
  const system = { os: 'Debian', kernel: '6.12', addresses: [] };
  const disk = {
    totalKiB: 60 * 1024 ** 2,
    freeKiB: 48.5 * 1024 ** 2,
    files: 4_000_000,
    freeFiles: 3_000_000,
  };
  expect(row({ ...RUNNING, guest: system }, 'disk')).toBeUndefined();
  expect(row({ ...RUNNING, guest: { ...system, disk } }, 'disk')).toBe('11.5 of 60.0 GiB used');
});

test('shows published ports once there are any', () => {
  const ports = { open: 2, waiting: 0, failed: 0 };
  expect(row({ ...RUNNING, ports: { ...ports, open: 0 } }, 'ports')).toBeUndefined();
  expect(row({ ...RUNNING, ports }, 'ports')).toBe('2 open');
  expect(row({ ...RUNNING, ports: { open: 1, waiting: 2, failed: 3 } }, 'ports')).toBe(
    '1 open, 2 waiting for their containers, 3 failed (`mobyvm port list`)',
  );
});

test.each([
  [undefined, 'answers'],
  [-1900, 'answers'],
  [2400, 'answers, its clock is 2 s ahead'],
  [-90_000, 'answers, its clock is 90 s behind'],
])('an offset of %s ms reads: %s', (clockOffsetMs, words) => {
  const engine = { ...RUNNING.engine, ...(clockOffsetMs === undefined ? {} : { clockOffsetMs }) };
  expect(row({ ...RUNNING, engine }, 'engine')).toBe(`Docker 26.1.5 (API 1.45) ${words}`);
});

test('ends with problems and their remedies', () => {
  const error = {
    ...{ code: 'MOBYVM_GUEST_BOOT' as const, message: 'It does not boot.', remedy: 'Look.', details: {} },
  };
  expect(statusLines({ ...RUNNING, state: 'failed', error }, 'linux').slice(-4)).toEqual([
    '',
    'It does not boot.',
    '  → Look.',
    '  MOBYVM_GUEST_BOOT',
  ]);
});

test('shows each thing that cannot be repaired with its remedy, and none twice', () => {
  const broken = (title: string): ResourceHealth & { readonly problem: string; readonly remedy: string } => ({
    ...{ id: title, title, health: 'broken' },
    ...{ problem: `Cannot repair ${title}.`, remedy: `Delete the other ${title}.` },
  });
  const { problem: message, remedy } = broken('bridge');
  const error = { code: 'MOBYVM_FOREIGN_OBJECT' as const, message, remedy, details: {} };
  const fine: ResourceHealth = { id: 'forwarding', title: 'forwarding', health: 'healthy' };
  const resources = [fine, broken('bridge'), broken('rules')];
  expect(statusLines({ ...RUNNING, state: 'degraded', error, resources }, 'linux').slice(-7)).toEqual([
    '',
    'Cannot repair bridge.',
    '  → Delete the other bridge.',
    '  MOBYVM_FOREIGN_OBJECT',
    '',
    'Cannot repair rules.',
    '  → Delete the other rules.',
  ]);
});

test('removes control characters from guest text', () => {
  const guest = { os: 'Evil\u001b[2J', kernel: '6.1', addresses: ['10.0.75.2'] };
  expect(row({ ...RUNNING, guest }, 'system', VERBOSE)).toBe('Evil, Linux 6.1, 10.0.75.2');
});
