import { expect, test } from 'vitest';
import { timingLines } from '../../../src/cli/render-timings.js';
import type { MachineStatus } from '../../../src/protocol/messages.js';

const lines = (timings: MachineStatus['timings']) => timingLines({ timings } as MachineStatus);

test('shows the steps of the host, and the stages of the guest with the time since the one before', () => {
  const steps = [
    { id: 'network', title: 'network', durationMs: 700 },
    { id: 'engine', title: 'Docker Engine', durationMs: 21_300 },
  ];
  const guest = [
    { stage: 'initramfs', text: 'started, kernel 6.12', uptimeSeconds: 2.95 },
    { stage: 'engine', text: 'answers', uptimeSeconds: 25.15 },
  ];
  expect(lines({ steps, guest })).toEqual([
    'STEP           TOOK',
    'network        0.7 s',
    'Docker Engine  21.3 s',
    'in all         22.0 s',
    '',
    'GUEST      UPTIME  AFTER   REPORTS',
    'initramfs  3.0 s   3.0 s   started, kernel 6.12',
    'engine     25.1 s  22.2 s  answers',
  ]);
});

test('shows the guest alone if an earlier daemon has started it, and never its control characters', () => {
  const guest = [{ stage: 'root', text: 'found on \u001b[31m/dev/sr0', uptimeSeconds: 4 }];
  expect(lines({ steps: [], guest }).at(-1)).toMatch(
    /^root {3}4\.0 s +4\.0 s +found on [^\u001b]*\/dev\/sr0$/,
  );
});

test('says that there was no start', () => {
  const answer = ['The VM has not been started yet. Start it with `mobyvm up`.'];
  expect(lines({ steps: [], guest: [] })).toEqual(answer);
  expect(lines(undefined)).toEqual(answer);
});
