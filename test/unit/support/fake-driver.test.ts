import { describe, expect, it } from 'vitest';
import { MobyvmError } from '../../../src/core/values/index.js';
import { lastBootStage } from '../../../src/vm/index.js';
import { FakeDriver, type FakeStep } from '../../support/vm-fake/index.js';
import { SAMPLE_SPEC } from '../../support/vm/sample-spec.js';
import { recordingContext, until } from '../../support/vm/vm-harness.js';

const SIGNAL = new AbortController().signal;
const CALLS: Readonly<Record<FakeStep, (driver: FakeDriver, signal: AbortSignal) => Promise<unknown>>> = {
  state: (driver, signal) => driver.state(signal),
  define: (driver, signal) => driver.define(SAMPLE_SPEC, recordingContext(signal)),
  start: (driver, signal) => driver.start(recordingContext(signal)),
  resume: (driver, signal) => driver.resume(signal),
  stop: (driver, signal) => driver.stop({ gracefulSeconds: 1 }, recordingContext(signal)),
  powerOff: (driver, signal) => driver.powerOff(recordingContext(signal)),
  save: (driver, signal) => driver.save(recordingContext(signal)),
  restore: (driver, signal) => driver.restore(recordingContext(signal)),
  remove: (driver, signal) => driver.remove({ dataDisk: true }, recordingContext(signal)),
};
const STEPS = Object.keys(CALLS) as FakeStep[];

describe('the fake driver', () => {
  it.each(STEPS)('fails at %s on request', async (step) => {
    const error = new MobyvmError('MOBYVM_VM_START', 'planned', 'none');
    const driver = new FakeDriver({ failAt: { [step]: error } });
    await expect(CALLS[step](driver, SIGNAL)).rejects.toBe(error);
  });

  it.each(STEPS)('hangs at %s until aborted, on request', async (step) => {
    const abort = new AbortController();
    const driver = new FakeDriver({ hangAt: { [step]: true } });
    const call = CALLS[step](driver, abort.signal);
    abort.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('prints its boot up to the engine on its console', async () => {
    const driver = new FakeDriver({ lineEveryMs: 0 });
    await driver.define(SAMPLE_SPEC, recordingContext());
    await driver.start(recordingContext());
    await until('the engine', async () => lastBootStage(await driver.console.tail(50))?.stage === 'engine');
    await driver.powerOff(recordingContext());
  });

  it('can have an unresponsive guest', async () => {
    const driver = new FakeDriver({ isDeaf: true });
    await driver.define(SAMPLE_SPEC, recordingContext());
    await driver.start(recordingContext());
    const details: string[] = [];
    driver.onExit((exit) => details.push(exit.detail));
    await driver.stop({ gracefulSeconds: 0.05 }, recordingContext());
    expect(details).toEqual(['The fake machine ended: it was powered off.']);
  });

  it('has a limited amount of space', async () => {
    const driver = new FakeDriver({ freeGiB: 1 });
    await expect(driver.define(SAMPLE_SPEC, recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_DISK_FULL',
    });
  });
});
