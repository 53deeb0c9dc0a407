import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  lastBootStage,
  parseBootStage,
  parseKernelPanic,
} from '../../../../src/vm/console/boot-stage.plan.js';

describe('a boot stage', () => {
  test('is parsed from the guest’s line', () => {
    expect(parseBootStage('[mobyvm 12.34] data: mounted /dev/vda')).toEqual({
      uptimeSeconds: 12.34,
      stage: 'data',
      text: 'mounted /dev/vda',
      isError: false,
    });
  });

  test('that failed is marked as an error', () => {
    expect(parseBootStage('[mobyvm 9] data!: no disk: none at all')).toEqual({
      uptimeSeconds: 9,
      stage: 'data',
      text: 'no disk: none at all',
      isError: true,
    });
  });

  test('is found after other text on the line, also with a name from a newer guest', () => {
    expect(parseBootStage('* Starting ... [mobyvm 3.00] shares-v2: C')?.stage).toBe('shares-v2');
  });

  test.each([
    '',
    'mobyvm: data',
    '[mobyvm] data: x',
    '[mobyvm 1.2] Data: x',
    '[mobyvm 1.2] no stage',
    '[mobyvm x] a: b',
  ])('is not found in %j', (line) => {
    expect(parseBootStage(line)).toBeUndefined();
  });

  test('is the last one of several', () => {
    const lines = ['[mobyvm 1.00] root: found', '[mobyvm 2.00] init: OpenRC', 'noise'];
    expect(lastBootStage(lines)?.stage).toBe('init');
    expect(lastBootStage(['noise'])).toBeUndefined();
  });

  test('is searched in arbitrary text without an error', () => {
    fc.assert(
      fc.property(fc.string(), (line) => {
        parseBootStage(line);
        parseKernelPanic(line);
      }),
    );
  });
});

describe('a kernel panic', () => {
  test('is recognised with its reason', () => {
    const line = '[    1.5] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)';
    expect(parseKernelPanic(line)).toBe('VFS: Unable to mount root fs on unknown-block(0,0)');
    expect(parseKernelPanic('Kernel panic - not syncing')).toBe('no reason given');
    expect(parseKernelPanic('---[ end Kernel panic - not syncing: Attempted to kill init! ]---')).toBe(
      'Attempted to kill init! ]---',
    );
    expect(parseKernelPanic('no panic here')).toBeUndefined();
  });
});
