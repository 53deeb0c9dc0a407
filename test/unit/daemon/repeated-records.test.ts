import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseRecord, recordText } from '../../../src/cli/log-record.plan.js';
import type { LogEvent, LogFields } from '../../../src/core/host/index.js';
import { openLog } from '../../../src/daemon/log.js';
import { RepeatedRecords } from '../../../src/daemon/repeated-records.js';
import type { LogLevel } from '../../../src/protocol/log-record.js';

const WINDOW_MS = 300_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** The lines that are written, with their fields as a person reads them. */
function recording() {
  const lines: string[] = [];
  const records = new RepeatedRecords(({ level, event, fields }) => {
    lines.push(recordText({ time: '', level, event, fields }).trim().replaceAll(/ +/g, ' '));
  });
  const add = (level: LogLevel, event: LogEvent, fields: LogFields = {}): void =>
    records.add({ level, event, fields });
  return { lines, add, end: () => records.end() };
}

describe('the same record again', () => {
  test('is counted: the first is written at once, the count when five minutes are over', () => {
    const { lines, add } = recording();
    add('warn', 'dns.upstream.failed', { upstream: '192.0.2.1' });
    expect(lines).toEqual(['warn dns.upstream.failed upstream=192.0.2.1']);
    for (let time = 1; time <= 14; time += 1) {
      vi.advanceTimersByTime(2_000);
      add('warn', 'dns.upstream.failed', { upstream: '192.0.2.1' });
    }
    expect(lines).toHaveLength(1);
    vi.advanceTimersByTime(WINDOW_MS);
    expect(lines.slice(1)).toEqual([
      'warn dns.upstream.failed upstream=192.0.2.1 (repeated 14 times within 28 s)',
    ]);
  });

  test('is written again when five minutes are over', () => {
    const { lines, add } = recording();
    add('info', 'dhcp.lease.granted');
    vi.advanceTimersByTime(WINDOW_MS);
    add('info', 'dhcp.lease.granted');
    expect(lines).toEqual(['info dhcp.lease.granted', 'info dhcp.lease.granted']);
  });

  test('is counted before a record of the same event with other details', () => {
    const { lines, add } = recording();
    for (let time = 0; time < 2; time += 1) add('error', 'share.server.failed', { reason: 'denied' });
    add('error', 'share.server.failed', { reason: 'gone' });
    expect(lines).toEqual([
      'error share.server.failed reason=denied',
      'error share.server.failed reason=denied (repeated once within 0 s)',
      'error share.server.failed reason=gone',
    ]);
  });

  test('is counted when the log ends', () => {
    const { lines, add, end } = recording();
    for (let time = 0; time < 3; time += 1) add('warn', 'vm.stall.unknown');
    end();
    expect(lines.slice(1)).toEqual(['warn vm.stall.unknown (repeated 2 times within 0 s)']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is written again for each command', () => {
    const { lines, add } = recording();
    for (let time = 0; time < 2; time += 1) {
      add('info', 'operation.begun', { operation: 'up' });
      add('error', 'step.failed', { step: 'image' });
    }
    expect(lines).toHaveLength(4);
  });
});

test('details that differ, such as a duration, make another record', () => {
  const { lines, add } = recording();
  for (const durationMs of [1, 2, 3]) add('info', 'step.done', { step: 'image', durationMs });
  expect(lines).toHaveLength(3);
});

test('what happens and is undone is written each time, so that the last record is how things are', () => {
  const { lines, add } = recording();
  for (let time = 0; time < 3; time += 1) {
    add('info', 'ports.published', { port: '80/tcp' });
    add('info', 'ports.unpublished', { port: '80/tcp' });
  }
  expect(lines).toHaveLength(6);
});

test('a loop of faults that alternate leaves a few lines', () => {
  const { lines, add, end } = recording();
  for (let time = 0; time < 1_000; time += 1) {
    add('warn', 'resource.changed', { id: 'bridge', problem: 'missing' });
    add('warn', 'resource.repaired', { id: 'bridge', problem: 'missing' });
    add('warn', 'resource.changed', { id: 'firewall', problem: 'missing' });
    vi.advanceTimersByTime(100);
  }
  end();
  expect(lines).toHaveLength(6);
  expect(lines.at(-1)).toBe(
    'warn resource.changed id=firewall problem=missing (repeated 999 times within 100 s)',
  );
});

test('counts of 200 records are kept: the oldest makes room and is not lost', () => {
  const { lines, add, end } = recording();
  for (let time = 0; time < 3; time += 1) add('warn', 'vm.look.failed', { reason: 'first' });
  for (let id = 0; id < 1_000; id += 1) add('warn', 'share.link.refused', { id });
  expect(lines.filter((line) => line.includes('repeated'))).toEqual([
    'warn vm.look.failed reason=first (repeated 2 times within 0 s)',
  ]);
  add('warn', 'vm.look.failed', { reason: 'first' });
  end();
  expect(lines).toHaveLength(1_003);
});

test('in the log itself, a fault that repeats 1,000 times leaves two lines, and the same for clients that watch', async () => {
  vi.useRealTimers();
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-repeated-'));
  try {
    const path = join(folder, 'daemon.log');
    const log = openLog({ path, level: 'info', toConsole: false });
    const reason = 'the engine is gone';
    for (let time = 0; time < 1_000; time += 1) log.error('ports.failed', { reason });
    expect(log.recent.list()).toHaveLength(1);
    log.end();
    await vi.waitUntil(async () => (await readFile(path, 'utf8')).includes('repeated'), { timeout: 60_000 });
    const written = (await readFile(path, 'utf8')).trimEnd().split('\n').map(parseRecord);
    expect(written.map((record) => record?.fields)).toEqual([
      { reason },
      { reason, repeated: 999, withinSeconds: expect.any(Number) as number },
    ]);
    expect(log.recent.list().map(({ fields }) => fields)).toEqual(written.map((record) => record?.fields));
  } finally {
    await rm(folder, { recursive: true });
  }
});
