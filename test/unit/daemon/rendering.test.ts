import { describe, expect, test } from 'vitest';
import type { OperationEvent } from '../../../src/daemon/control/protocol.js';
import { errorLines } from '../../../src/daemon/cli/render-error.js';
import { ProgressRenderer } from '../../../src/daemon/cli/render-progress.js';
import { fitted, withoutControls } from '../../../src/daemon/cli/terminal.js';

const STREAM: readonly OperationEvent[] = [
  { event: 'operation.waiting', operation: 'up', requester: { pid: 7, command: 'mobyvm up' } },
  { event: 'step.started', step: 'bridge', title: 'bridge mobyvm0' },
  { event: 'step.done', step: 'bridge', durationMs: 120, change: 'none' },
  { event: 'step.started', step: 'vm', title: 'virtual machine' },
  { event: 'step.progress', step: 'vm', detail: 'starting\u001b[2J QEMU' },
  { event: 'step.done', step: 'vm', durationMs: 2_400, change: 'create' },
  { event: 'step.started', step: 'engine', title: 'Docker Engine' },
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

function render(isInteractive: boolean): string[] {
  const printed: string[] = [];
  const renderer = new ProgressRenderer({
    isInteractive,
    columns: 60,
    out: (line) => printed.push(`OUT ${line}`),
    error: (line) => printed.push(line),
    status: (text) => printed.push(`STATUS ${text}`),
  });
  STREAM.forEach((event) => renderer.event(event));
  return printed;
}

describe('progress', () => {
  test('in plain lines names each step once, with its time and what it did', () => {
    expect(render(false)).toEqual([
      'Stopping "mobyvm up" (pid 7) first.',
      '✓ bridge mobyvm0  0.1 s  (as it should be)',
      '✓ virtual machine  2.4 s  (starting QEMU)',
      '✗ Docker Engine  60.0 s',
      '↩ virtual machine undone',
    ]);
  });

  test('on a terminal rewrites one status line and clears it before each lasting one', () => {
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

  test('is cut to the width of the line', () => {
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
