import { describe, expect, test } from 'vitest';
import { statsLines } from '../../../src/cli/render-stats.js';
import type { PortReading, StatsReading } from '../../../src/cli/stats-reading.plan.js';

const WEB: PortReading = {
  ...{ protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, container: 'web', containerPort: 80 },
  ...{ state: 'open', connections: 3, bytesIn: 1, bytesOut: 2 },
  ...{ bytesInPerSecond: 512.4, bytesOutPerSecond: 1_572_864 },
};

const READING: StatsReading = {
  state: 'running',
  cpu: { used: 0.75, count: 2 },
  memory: { usedBytes: 1.5 * 1024 ** 3, limitBytes: 4 * 1024 ** 3 },
  disk: { usedBytes: 12.4 * 1024 ** 3, sizeBytes: 64 * 1024 ** 3, fileBytes: 13 * 1024 ** 3 },
  dns: { queriesPerSecond: 12, failuresPerSecond: 0.04, queries: 4711, failures: 3, waiting: 1 },
  ports: [WEB],
};

const UNKNOWN: StatsReading = {
  state: 'stopped',
  cpu: { used: undefined, count: 2 },
  memory: { usedBytes: undefined, limitBytes: 1 },
  disk: { usedBytes: undefined, sizeBytes: undefined, fileBytes: undefined },
  dns: undefined,
  ports: [],
};

function ports(count: number): readonly PortReading[] {
  return Array.from({ length: count }, (_, index) => ({ ...WEB, hostPort: 8_000 + index }));
}

describe('mobyvm stats', () => {
  test('shows the VM, DNS and published ports', () => {
    expect(statsLines(READING)).toEqual([
      'VM       CPU              MEMORY             DISK                 DISK FILE',
      'running  37.5% of 2 CPUs  1.5 GiB / 4.0 GiB  12.4 GiB / 64.0 GiB  13.0 GiB',
      '',
      'DNS QUERIES  FAILURES  TOTAL QUERIES  TOTAL FAILURES  WAITING',
      '12.0/s       0.0/s     4711           3               1',
      '',
      'PORT              CONTAINER  CONNECTIONS  IN       OUT',
      '0.0.0.0:8080/tcp  web:80     3            512 B/s  1.5 MiB/s',
    ]);
  });

  test('shows what is not known as a dash, never as nothing used', () => {
    const lines = statsLines(UNKNOWN);
    expect(lines[1]).toMatch(/^stopped( +-){4}$/);
    expect(lines[4]).toMatch(/^-( +-){4}$/);
    expect(lines.at(-1)).toBe('No published port is open.');
    expect(lines.join()).not.toMatch(/\d/);
  });

  test('shows a share of one processor where it is not known how many there are', () => {
    const lines = statsLines({ ...READING, cpu: { used: 0.75, count: undefined } });
    expect(lines[1]).toMatch(/^running {2}75\.0% of one /);
  });

  test('fits a narrow terminal', () => {
    const lines = statsLines(READING, { columns: 60 });
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
    expect(lines[1]).toContain('…');
  });

  test('fits a low terminal, and says how many ports it leaves out', () => {
    const lines = statsLines({ ...READING, ports: ports(10) }, { columns: 80, rows: 12 });
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toBe('… and 7 more (`mobyvm port list`)');
    expect(statsLines({ ...READING, ports: ports(4) }, { rows: 12 }).at(-1)).toMatch(/:8003\//);
  });

  test('leaves out ports that are not open, and controls in names', () => {
    const waiting: PortReading = { ...WEB, state: 'waiting', hostPort: 9_999 };
    const odd: PortReading = { ...WEB, hostIp: '::', container: 'we\u001b[31mb' };
    const text = statsLines({ ...READING, ports: [waiting, odd] }).join('\n');
    expect(text).not.toContain('9999');
    expect(text).toContain('[::]:8080/tcp  web:80');
  });
});
