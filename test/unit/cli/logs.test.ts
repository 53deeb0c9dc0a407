import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from '../../../src/cli/commands.js';
import { parseRecord, recordText } from '../../../src/cli/log-record.plan.js';
import { parseTimeArgument } from '../../../src/cli/time-argument.plan.js';
import { openLog } from '../../../src/daemon/log.js';
import { LOG_COMPONENTS } from '../../../src/protocol/log-record.js';
import { linuxPaths } from '../../../src/protocol/paths.js';
import { commandContext, printedBy } from '../../support/cli-context.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-logs-'));
});
afterEach(() => rm(folder, { recursive: true }));

const file = (name: string): string => join(folder, name);
const paths = () => linuxPaths({ MOBYVM_LOG_DIR: folder });

function record(minute: number, level: string, event: string, fields: object = {}): string {
  const time = `2026-11-29T07:${String(minute).padStart(2, '0')}:00.000Z`;
  return JSON.stringify({ time, level, event, ...fields });
}

async function shown(...args: readonly string[]): Promise<readonly string[]> {
  const { lines, terminal } = printedBy();
  expect(await runCommand(['logs', ...args], commandContext({ terminal, paths: paths() }))).toBe(0);
  return lines;
}

describe('mobyvm logs', () => {
  beforeEach(async () => {
    await writeFile(file('daemon2.log'), `${record(1, 'info', 'daemon.started', { pid: 7 })}\n`);
    await writeFile(
      file('daemon1.log'),
      `${record(2, 'warn', 'dns.upstream.failed', { server: '192.0.2.1', reason: 'no answer in time' })}\n`,
    );
    await writeFile(
      file('daemon.log'),
      `${record(3, 'debug', 'dhcp.answer.sent')}\n{"time":"2026-1\n${record(4, 'error', 'dns.server.failed')}\n`,
    );
  });

  test('shows readable lines of all files, the earliest first', async () => {
    expect(await shown()).toEqual([
      '2026-11-29T07:01:00.000Z info  daemon.started pid=7',
      '2026-11-29T07:02:00.000Z warn  dns.upstream.failed server=192.0.2.1 reason="no answer in time"',
      '2026-11-29T07:03:00.000Z debug dhcp.answer.sent',
      '{"time":"2026-1',
      '2026-11-29T07:04:00.000Z error dns.server.failed',
    ]);
  });

  test('shows the earlier files when the current one is missing', async () => {
    await rm(file('daemon.log'));
    expect(await shown()).toHaveLength(2);
  });

  test('prints JSON on request, also of a line that is none', async () => {
    const lines = (await shown('--json')).map((line) => JSON.parse(line) as unknown);
    expect(lines).toContainEqual({ text: '{"time":"2026-1' });
    expect(lines).toContainEqual({
      time: '2026-11-29T07:01:00.000Z',
      level: 'info',
      event: 'daemon.started',
      pid: 7,
    });
  });

  test.each([
    [
      ['--level', 'warn'],
      ['dns.upstream.failed', 'dns.server.failed'],
    ],
    [
      ['--component', 'dns'],
      ['dns.upstream.failed', 'dns.server.failed'],
    ],
    [
      ['--component', 'dns.upstream', '--component', 'dhcp'],
      ['dns.upstream.failed', 'dhcp.answer.sent'],
    ],
    [
      ['--component', 'dns,daemon', '--level', 'info', '-n', '2'],
      ['dns.upstream.failed', 'dns.server.failed'],
    ],
    [
      ['--since', '2026-11-29T07:02:00Z', '--until', '2026-11-29T07:03:00Z'],
      ['dns.upstream.failed', 'dhcp.answer.sent'],
    ],
    [['--grep', 'no answer'], ['dns.upstream.failed']],
    [
      ['--grep', '^2026.*(started|sent)'],
      ['daemon.started', 'dhcp.answer.sent'],
    ],
    [['-n', '0'], []],
  ])('with %j shows %j', async (args, events) => {
    const found = (await shown(...args)).map((line) => line.split(/ +/)[2]);
    expect(found).toEqual(events);
  });

  test.each([
    [['--since', 'yesterday'], '--since is neither a time nor a duration: "yesterday".'],
    [['--until', '2026-13-01'], '--until is neither a time nor a duration: "2026-13-01".'],
    [['--component', 'dsn'], 'There is no component "dsn".'],
    [['--follow', '--until', '1h'], '--until has no meaning with --follow.'],
    [['-n', '-1'], '--lines must be a whole number, 0 or more.'],
  ])('refuses %j', async (args, message) => {
    await expect(shown(...args)).rejects.toMatchObject({ code: 'MOBYVM_USAGE', message });
  });

  test('refuses a broken regular expression with the reason', async () => {
    await expect(shown('--grep', '(')).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      message: expect.stringMatching(/^--grep is not a regular expression: .*\.$/) as unknown,
    });
  });

  test('control characters in a value do not reach the terminal', async () => {
    await writeFile(
      file('daemon.log'),
      `${record(5, 'info', 'share.worker.failed', { reason: 'a\u001b[2Jb\nc' })}\n`,
    );
    expect((await shown('-n', '1'))[0]).toBe(
      String.raw`2026-11-29T07:05:00.000Z info  share.worker.failed reason="a\u001b[2Jb\nc"`,
    );
  });
});

describe('following the log that the daemon writes', () => {
  async function follow(write: (lines: readonly string[]) => Promise<void>): Promise<readonly string[]> {
    const { lines, terminal } = printedBy();
    const interrupt = new AbortController();
    const context = commandContext({ terminal, paths: paths(), interrupted: interrupt.signal });
    const following = runCommand(['logs', '--follow', '--json'], context);
    try {
      await vi.waitUntil(() => lines.length > 0, { timeout: 60_000 });
      await write(lines);
    } finally {
      interrupt.abort();
      expect(await following).toBe(0);
    }
    return lines;
  }
  const numbersOf = (lines: readonly string[]): number[] =>
    lines.map((line) => (JSON.parse(line) as { number: number }).number);

  test('loses nothing of bursts of 6 MiB, over several rotations', async () => {
    await writeFile(file('daemon.log'), `${record(1, 'info', 'dns.test', { number: 0 })}\n`);
    const text = `é${'x'.repeat(150)}`;
    const burst = Math.ceil((6 * 1024 * 1024) / 230);
    let written = 1;
    const lines = await follow(async (seen) => {
      const log = openLog({ path: file('daemon.log'), level: 'info', toConsole: false });
      for (let round = 0; round < 3; round += 1) {
        for (let each = 0; each < burst; each += 1) log.info('dns.test', { number: written++, text });
        await vi.waitUntil(() => seen.length >= written, { timeout: 60_000 });
      }
    });
    expect(numbersOf(lines)).toEqual(Array.from({ length: written }, (_, at) => at));
    expect((await readdir(folder)).sort()).toEqual(['daemon.log', 'daemon1.log', 'daemon2.log']);
  }, 240_000);
});

test.each([
  ['10m', -600_000],
  ['1h30m', -5_400_000],
  ['2d', -172_800_000],
  ['1.5s', -1_500],
])('%s is a time ago', (text, offset) => {
  expect(parseTimeArgument(text, 1_000_000_000)).toBe(1_000_000_000 + offset);
});

test.each([
  ['2026-11-29T07:30:00Z', '2026-11-29T07:30:00.000Z'],
  ['2026-11-29 07:30:00.5Z', '2026-11-29T07:30:00.500Z'],
  ['2026-11-29T07:30+02:00', '2026-11-29T05:30:00.000Z'],
  ['2026-11-29', new Date(2026, 10, 29).toISOString()],
  ['2026-11-29T07:30', new Date(2026, 10, 29, 7, 30).toISOString()],
])('%s is a date', (text, expected) => {
  expect(new Date(parseTimeArgument(text, 0) ?? NaN).toISOString()).toBe(expected);
});

test.each(['', '10', '10x', '-5m', '2026', '2026-02-31T25:00', '10m ago', 'm'])('"%s" is no time', (text) => {
  expect(parseTimeArgument(text, 0)).toBeUndefined();
});

test.each([
  '',
  'text',
  '[]',
  'null',
  '1',
  '{}',
  '{"time":1,"level":"info","event":"a.b"}',
  '{"time":"","level":"loud","event":"a.b"}',
])('%j is no record', (line) => {
  expect(parseRecord(line)).toBeUndefined();
});

test('values that are not one word are quoted', () => {
  const fields = { a: '', b: 'x y', c: 'x=y', d: 3, e: true, f: 'C:\\site', g: { h: 1 } };
  const line = recordText({ time: 'T', level: 'info', event: 'a.b', fields });
  expect(line).toBe(String.raw`T info  a.b a="" b="x y" c="x=y" d=3 e=true f=C:\site g="{\"h\":1}"`);
});

test('how often a record was repeated is a remark at its end', () => {
  const record = { time: 'T', level: 'warn', event: 'a.b' } as const;
  const fields = { reason: 'no answer', repeated: 14, withinSeconds: 28 };
  expect(recordText({ ...record, fields })).toBe(
    'T warn  a.b reason="no answer" (repeated 14 times within 28 s)',
  );
  expect(recordText({ ...record, fields: { ...fields, repeated: 1 } })).toContain(
    '(repeated once within 28 s)',
  );
  expect(recordText({ ...record, fields: { repeated: 'often' } })).toBe('T warn  a.b repeated=often');
});

test('every event that the sources log has a known component', async () => {
  const root = join(import.meta.dirname, '../../../src');
  const found = new Set<string>();
  for (const name of await readdir(root, { recursive: true })) {
    if (!name.endsWith('.ts')) continue;
    const text = await readFile(join(root, name), 'utf8');
    for (const [, component = ''] of text.matchAll(/\.(?:debug|info|warn|error)\(\s*'([a-z]+)\.[a-z._-]+'/g))
      found.add(component);
  }
  expect([...found].sort()).toEqual([...LOG_COMPONENTS]);
});
