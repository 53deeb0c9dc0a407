import { expect, test } from 'vitest';
import { BootWatch } from '../../../src/daemon/machine/boot-watch.js';
import { StepTimings } from '../../../src/daemon/machine/start-timings.js';
import { parseBootStage } from '../../../src/vm/index.js';

function watchOf(log: readonly string[]): BootWatch {
  const console = { logPath: '/log', tail: () => Promise.resolve(log), onLine: () => () => undefined };
  return new BootWatch(console, parseBootStage);
}

test('the steps of a start are kept until the next start', () => {
  const timings = new StepTimings();
  const step = (id: string): void => {
    timings.follow({ event: 'step.started', step: id, title: `title of ${id}` });
    timings.follow({ event: 'step.done', step: id, durationMs: 5, change: 'create' });
  };
  step('down');
  timings.vmIsToStart();
  step('network');
  timings.operationEnded();
  step('repaired later');
  expect(timings.steps).toEqual([{ id: 'network', title: 'title of network', durationMs: 5 }]);
  timings.vmIsToStart();
  expect(timings.steps).toEqual([]);
});

test('the stages of the guest are kept until its engine answers', async () => {
  const log = [
    '[mobyvm 2.95] initramfs: started',
    'anything',
    '[mobyvm 30.10] engine!: dockerd has ended',
    '[mobyvm 41.85] engine: answers',
    '[mobyvm 360.64] shares: U is mounted',
  ];
  const watch = watchOf(log);
  await watch.catchUp();
  expect(watch.stages.map(({ stage, uptimeSeconds }) => [stage, uptimeSeconds])).toEqual([
    ['initramfs', 2.95],
    ['engine', 30.1],
    ['engine', 41.85],
  ]);
});

test('a guest that reports without end costs no memory', async () => {
  const watch = watchOf(Array.from({ length: 500 }, (_, at) => `[mobyvm ${at}] data: ${'x'.repeat(5_000)}`));
  await watch.catchUp();
  expect(watch.stages).toHaveLength(64);
  expect(watch.stages[0]?.text).toHaveLength(200);
});
