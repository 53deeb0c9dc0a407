import { describe, expect, test } from 'vitest';
import { isOff, readingOf } from '../../../src/cli/stats-reading.plan.js';
import type { MachineStats } from '../../../src/protocol/messages.js';

const WEB: MachineStats['ports'][number] = {
  ...{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, container: 'web', containerPort: 80 },
  ...{ state: 'open', connections: 3, bytesIn: 1_000, bytesOut: 50_000 },
};

const BEFORE: MachineStats = {
  ...{ atMs: 10_000, state: 'running' },
  usage: { processorSeconds: 100, memoryBytes: 1e9, diskBytes: 3e9 },
  dns: { total: 40, waiting: 0, failed: 2, refused: 0, dropped: 0 },
  ports: [WEB],
};

const NOW: MachineStats = {
  ...{ atMs: 12_000, state: 'running' },
  usage: { processorSeconds: 101.5, memoryBytes: 1e9, diskBytes: 3e9 },
  dns: { total: 60, waiting: 1, failed: 3, refused: 0, dropped: 0 },
  ports: [{ ...WEB, bytesIn: 3_000, bytesOut: 50_000 }],
};

const NO_DNS: MachineStats = { atMs: 12_000, state: 'running', usage: {}, ports: [] };

describe('a reading', () => {
  test('has rates of what was counted since the one before', () => {
    expect(readingOf(NOW, BEFORE, undefined)).toMatchObject({
      cpu: { used: 0.75 },
      dns: { queriesPerSecond: 10, failuresPerSecond: 0.5, queries: 60, failures: 3, waiting: 1 },
      ports: [{ bytesInPerSecond: 1_000, bytesOutPerSecond: 0 }],
    });
  });

  test('has no rates without one before', () => {
    expect(readingOf(NOW, undefined, undefined)).toMatchObject({
      cpu: { used: undefined },
      memory: { usedBytes: 1e9, limitBytes: undefined },
      dns: { queriesPerSecond: undefined, queries: 60 },
      ports: [{ bytesInPerSecond: undefined, bytesIn: 3_000 }],
    });
  });

  test('has no rate of a counter that has gone back, as after a restart', () => {
    const reading = readingOf({ ...BEFORE, atMs: 14_000 }, NOW, undefined);
    expect(reading).toMatchObject({
      cpu: { used: undefined },
      dns: { queriesPerSecond: undefined, failuresPerSecond: undefined },
      ports: [{ bytesInPerSecond: undefined, bytesOutPerSecond: 0 }],
    });
  });

  test('has no rates of counters that were read at the same time, or earlier', () => {
    for (const atMs of [BEFORE.atMs, BEFORE.atMs - 1])
      expect(readingOf({ ...NOW, atMs }, BEFORE, undefined).cpu.used).toBeUndefined();
  });

  test('has no rate of a port that has just been opened', () => {
    const other = { ...WEB, hostPort: 8081 };
    expect(readingOf({ ...NOW, ports: [other] }, BEFORE, undefined).ports).toMatchObject([
      { hostPort: 8081, bytesInPerSecond: undefined, bytesOutPerSecond: undefined },
    ]);
  });

  test('leaves out what the host does not tell', () => {
    expect(JSON.parse(JSON.stringify(readingOf(NO_DNS, BEFORE, undefined)))).toEqual({
      ...{ state: 'running', cpu: {}, memory: {}, disk: {}, ports: [] },
    });
  });

  test('has the limits that the status names', () => {
    const vm = { driver: 'qemu', state: 'running', machineId: 'x', cpus: 2, memoryMiB: 2_048 };
    const disk = { totalKiB: 4_000, freeKiB: 1_000, files: 10, freeFiles: 5 };
    const guest = { os: '', kernel: '', addresses: [], disk };
    expect(readingOf(NOW, BEFORE, { state: 'running', vm, guest })).toMatchObject({
      cpu: { count: 2 },
      memory: { limitBytes: 2 ** 31 },
      disk: { usedBytes: 3_072_000, sizeBytes: 4_096_000, fileBytes: 3e9 },
    });
  });

  test('tells a saved VM from one that is shut down', () => {
    const vm = { driver: 'qemu', state: 'saved', machineId: 'x' };
    const stopped = { ...NO_DNS, state: 'stopped' as const };
    expect(readingOf(stopped, undefined, { state: 'saved', vm }).state).toBe('saved');
    expect(readingOf(stopped, undefined, undefined).state).toBe('stopped');
  });
});

test.each([
  ['running', 1, false],
  ['stopped', undefined, true],
  ['saved', undefined, true],
  ['failed', undefined, true],
  ['failed', 1, false],
] as const)('a machine that is %s and takes %s bytes is off: %s', (state, memoryBytes, expected) => {
  const usage = memoryBytes === undefined ? {} : { memoryBytes };
  expect(isOff(readingOf({ ...NO_DNS, state, usage }, undefined, undefined))).toBe(expected);
});
