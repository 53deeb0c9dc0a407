import { describe, expect, test } from 'vitest';
import type { OperationEvent } from '../../../src/protocol/messages.js';
import { errorLines } from '../../../src/protocol/error-text.js';
import { ProgressRenderer } from '../../../src/cli/render-progress.js';
import { fitted, withoutControls } from '../../../src/cli/terminal.js';

const STREAM: readonly OperationEvent[] = [
  { event: 'operation.waiting', operation: 'up', requester: { pid: 7, command: 'mobyvm up' } },
  { event: 'step.started', step: 'bridge', title: 'bridge mobyvm0' },
  { event: 'step.done', step: 'bridge', durationMs: 120, change: 'none' },
  {
    event: 'operation.notice',
    operation: 'up',
    message: 'vm.cpus 2 → 4 needs a restart',
  },
  { event: 'step.started', step: 'vm', title: 'virtual machine' },
  { event: 'step.progress', step: 'vm', detail: 'starting\u001b[2J QEMU' },
  { event: 'step.done', step: 'vm', durationMs: 2_400, change: 'create' },
  { event: 'step.started', step: 'engine', title: 'Docker Engine' },
  { event: 'step.progress', step: 'vm', detail: 'a late detail of the step before' },
  {
    event: 'step.failed',
    step: 'engine',
    durationMs: 60_000,
    error: { code: 'MOBYVM_GUEST_BOOT', message: 'm', remedy: 'r', details: {} },
  },
  { event: 'step.undone', step: 'vm' },
  { event: 'step.undone', step: 'vm' },
  {
    event: 'operation.failed',
    operation: 'up',
    durationMs: 1,
    error: { code: 'MOBYVM_GUEST_BOOT', message: 'm', remedy: 'r', details: {} },
  },
];

/** An `up` of a machine that runs and needs nothing. */
const NOTHING_TO_DO: readonly OperationEvent[] = [
  ...['bridge mobyvm0', 'DNS server'].flatMap((title): OperationEvent[] => [
    { event: 'step.started', step: title, title },
    { event: 'step.done', step: title, durationMs: 100, change: 'none' },
  ]),
  { event: 'step.started', step: 'image', title: 'boot image' },
  { event: 'step.progress', step: 'image', detail: 'debian, Linux 6.12' },
  { event: 'step.done', step: 'image', durationMs: 300, change: 'none' },
  { event: 'step.started', step: 'engine', title: 'Docker Engine' },
  { event: 'step.progress', step: 'image', detail: 'late' },
  { event: 'step.done', step: 'engine', durationMs: 1_000, change: 'none' },
  { event: 'operation.done', operation: 'up', durationMs: 1_500 },
];

function render(isInteractive: boolean, stream = STREAM): string[] {
  const printed: string[] = [];
  const renderer = new ProgressRenderer({
    isInteractive,
    columns: 60,
    out: (line) => printed.push(`OUT ${line}`),
    error: (line) => printed.push(line),
    prompt: () => undefined,
    status: (text) => printed.push(`STATUS ${text}`),
    redraw: () => undefined,
    watchReader: () => () => undefined,
  });
  stream.forEach((event) => renderer.event(event));
  return printed;
}

describe('progress', () => {
  test('without a terminal has one line per step, with its duration and result', () => {
    expect(render(false)).toEqual([
      'Stopping "mobyvm up" (pid 7) first.',
      '✓ bridge mobyvm0  0.1 s  (unchanged)',
      '! vm.cpus 2 → 4 needs a restart',
      '✓ virtual machine  2.4 s  (starting QEMU)',
      '✗ Docker Engine  60.0 s',
      '↩ virtual machine undone',
    ]);
  });

  test('combines consecutive unchanged steps, and never mixes the details of steps', () => {
    expect(render(false, NOTHING_TO_DO)).toEqual([
      '✓ 2 steps  0.2 s  (unchanged: bridge mobyvm0, DNS server)',
      '✓ boot image  0.3 s  (debian, Linux 6.12)',
      '✓ Docker Engine  1.0 s  (unchanged)',
    ]);
  });

  test('on a terminal rewrites one status line and clears it before each permanent line', () => {
    const printed = render(true);
    expect(printed).toContain('STATUS • virtual machine  0.0 s  starting QEMU');
    for (const [at, line] of printed.entries()) {
      if (!line.startsWith('STATUS')) expect(printed[at - 1]).toBe('STATUS ');
    }
  });
});

describe('text on a terminal', () => {
  test.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['a\u0007b\u0000c', 'abc'],
    ['tab\tstays', 'tab\tstays'],
    ['\u001b]0;title\u0007x', ']0;titlex'],
    ['\u009b2Jx', '2Jx'],
  ])('%j loses its control characters', (text, plain) => {
    expect(withoutControls(text)).toBe(plain);
  });

  test('is truncated to the width of the terminal', () => {
    expect(fitted('x'.repeat(100), 40)).toHaveLength(39);
    expect(fitted('one\ntwo', 40)).toBe('one two');
  });
});

test('an error shows what happened, what to do, and where to read more', () => {
  const lines = errorLines(
    { code: 'MOBYVM_NO_LEASE', message: 'No lease.', remedy: 'Look.', details: {} },
    '/log',
  );
  expect(lines).toEqual([
    'mobyvm: No lease.',
    '  → Look.',
    '  MOBYVM_NO_LEASE · mobyvm explain MOBYVM_NO_LEASE · log: /log',
  ]);
});
