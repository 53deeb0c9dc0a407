import { describe, expect, test } from 'vitest';
import { waitFor } from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';
import {
  gracefulSecondsWithin,
  PROCESS_LIMITS,
  SERVICE_END_SECONDS,
  SERVICE_LIMITS,
} from '../../../src/daemon/machine/end-limits.plan.js';
import type { OperationEvent } from '../../../src/daemon/machine/operation.js';
import { settingsSchema } from '../../../src/daemon/settings/schema.js';
import { machineWith } from '../../support/fake-machine.js';
import type { FakeDriverOptions } from '../../support/vm-fake/index.js';

const SAVES = { machine: { onDown: 'save' }, vm: { bootTimeoutSeconds: 10, diskGiB: 1 } } as const;

/** A machine that `down` saves. */
function savingMachine(options: FakeDriverOptions = {}) {
  const under = machineWith(options);
  under.file.content = SAVES;
  return under;
}

async function savedMachine(options: FakeDriverOptions = {}) {
  const under = savingMachine(options);
  await under.operate('up');
  expect((await under.operate('down')).at(-1)).toMatchObject({ event: 'operation.done' });
  expect(under.driver.world.saved).toBeDefined();
  under.world.length = 0;
  return under;
}

function notices(events: readonly OperationEvent[]): string {
  return events.flatMap((each) => (each.event === 'operation.notice' ? [each.message] : [])).join('\n');
}

describe('down', () => {
  test('saves the VM after its connections have ended, and before its network goes', async () => {
    const { machine, operate, driver, world } = savingMachine();
    await operate('up');
    driver.onExit(() => world.push('vm saved'));
    expect(notices(await operate('down'))).toBe('');
    expect(world.slice(-5)).toEqual([
      'connections removed',
      'disk flushed',
      'guest left',
      'vm saved',
      'network removed',
    ]);
    expect(await machine.status()).toMatchObject({
      state: 'saved',
      vm: { state: 'saved', saved: { at: expect.stringMatching(/^20/) as string, bytes: 2 ** 31 } },
    });
    expect(machine.engineState).toEqual({ kind: 'stopped' });
    expect(await machine.isGone()).toBe(true);
  });

  test('leaves a saved VM alone', async () => {
    const { operate, driver } = await savedMachine();
    const { saved } = driver.world;
    expect((await operate('down')).at(-1)).toMatchObject({ event: 'operation.done' });
    expect(driver.world.saved).toBe(saved);
  });

  test('reads the setting at once, without an up', async () => {
    const { operate, driver, file } = savingMachine();
    await operate('up');
    file.content = { ...SAVES, machine: { onDown: 'stop' } };
    await operate('down');
    expect(driver.world.saved).toBeUndefined();
  });

  test('shuts the VM down when it is told to, also one that is saved', async () => {
    const { machine, operate, perform, driver } = savingMachine();
    await operate('up');
    await perform({ name: 'down', stop: true });
    expect(driver.world.saved).toBeUndefined();
    await operate('up');
    await operate('down');
    await perform({ name: 'down', stop: true });
    expect(driver.world.consoleLines.at(-1)).toContain('shutdown:');
    expect(await machine.status()).toMatchObject({ state: 'stopped', vm: { state: 'off' } });
  });

  test('shuts down a VM whose engine does not answer, and says why', async () => {
    const { operate, driver, engine } = savingMachine();
    await operate('up');
    engine.answers = false;
    expect(notices(await operate('down'))).toContain('its engine does not answer');
    expect(driver.world.saved).toBeUndefined();
  });

  test('shuts down a VM that cannot be saved, and says why', async () => {
    const full = new MobyvmError('MOBYVM_DISK_FULL', 'There is no space.', 'Make some.');
    const { machine, operate, driver } = savingMachine({ failAt: { save: full } });
    await operate('up');
    const events = await operate('down');
    expect(notices(events)).toBe('The VM is shut down instead of being saved: There is no space.');
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    expect(driver.world.consoleLines.at(-1)).toContain('shutdown:');
    expect(await machine.status()).toMatchObject({ state: 'stopped', vm: { state: 'off' } });
  });
});

describe('the end of a daemon', () => {
  const limits = { saveSeconds: 0.2, vmSeconds: 5, isStrict: false };

  test('shuts the VM down when a save does not finish in time, and says so', async () => {
    const { machine, operate, perform, driver } = savingMachine({ hangAt: { save: true } });
    const given: number[] = [];
    const stop = driver.stop.bind(driver);
    driver.stop = (options, context) => {
      given.push(options.gracefulSeconds);
      return stop(options, context);
    };
    await operate('up');
    const events = await perform({ name: 'down', limits });
    expect(notices(events)).toMatch(
      /^The VM is shut down instead of being saved: that was not finished after \d s\.$/,
    );
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    // What is left of the five seconds, not the 180 of the settings.
    expect(given).toHaveLength(1);
    expect(given[0]).toBeLessThan(5);
    expect(driver.world.consoleLines.at(-1)).toContain('shutdown:');
    expect(await machine.status()).toMatchObject({ state: 'stopped', vm: { state: 'off' } });
  });

  test('keeps a save that was finished although nobody waited for it', async () => {
    const { machine, operate, perform, driver } = savingMachine();
    const save = driver.save.bind(driver);
    driver.save = async (context) => {
      await save({ ...context, signal: new AbortController().signal });
      await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
      throw context.signal.reason as Error;
    };
    await operate('up');
    expect(notices(await perform({ name: 'down', limits }))).toBe('');
    expect(await machine.status()).toMatchObject({ state: 'saved', vm: { saved: { bytes: 2 ** 31 } } });
  });

  test.each([
    { limits: undefined, spent: 500, overrun: true, seconds: 180 },
    { limits: PROCESS_LIMITS, spent: 1, overrun: false, seconds: 180 },
    { limits: PROCESS_LIMITS, spent: 45.2, overrun: true, seconds: 34 },
    { limits: SERVICE_LIMITS, spent: 90, overrun: true, seconds: 180 },
    { limits: SERVICE_LIMITS, spent: 100, overrun: false, seconds: 170 },
    { limits: SERVICE_LIMITS, spent: 300, overrun: true, seconds: 0 },
  ])(
    'leaves the guest $seconds s after $spent s of $limits.vmSeconds',
    ({ limits, spent, overrun, seconds }) => {
      const so = { spentSeconds: spent, hasSaveOverrun: overrun };
      expect(gracefulSecondsWithin(limits, 180, so)).toBe(seconds);
    },
  );

  test('of a service is over before Windows kills it', () => {
    expect(SERVICE_LIMITS.vmSeconds).toBeLessThan(SERVICE_END_SECONDS);
    expect(SERVICE_LIMITS.saveSeconds + settingsSchema.parse({}).vm.stopTimeoutSeconds).toBeLessThanOrEqual(
      SERVICE_LIMITS.vmSeconds,
    );
  });
});

describe('up', () => {
  test('resumes a saved VM, sets its clock, and asks for no boot', async () => {
    const { machine, operate, driver, world, record } = await savedMachine();
    const events = await operate('up');
    expect(notices(events)).toBe('');
    expect(world).toEqual([
      'image up',
      'network up',
      'certificates made',
      'guest followed',
      'clock resumed',
      'guest asked',
    ]);
    expect(driver.world.saved).toBeUndefined();
    expect(record.content?.saved).toBeUndefined();
    expect(await machine.status()).toMatchObject({ state: 'running', engine: { reachable: true } });
  });

  test('opens the engine of a VM that it has resumed while shares are still waited for', async () => {
    const { machine, operate, given, shares } = savingMachine();
    given.shares = ['site'];
    await operate('up');
    await operate('down');
    let settle: (value: unknown) => void = () => undefined;
    shares.settled = new Promise((resolve) => {
      settle = resolve;
    });
    const up = operate('up');
    const isOpen = async (): Promise<boolean> =>
      machine.engineState.kind === 'ready' && (await machine.status()).step?.id === 'shares';
    await waitFor(
      { title: 'the engine', timeoutSeconds: 20, hint: '', everyMs: 5, check: isOpen },
      new AbortController().signal,
    );
    settle(undefined);
    expect((await up).at(-1)).toMatchObject({ event: 'operation.done' });
  });

  test('closes the engine again if the start of a resumed VM fails later', async () => {
    const { machine, operate, given, shares, driver } = savingMachine();
    given.shares = ['site'];
    await operate('up');
    await operate('down');
    shares.settled = Promise.reject(new MobyvmError('MOBYVM_KVP_NOT_READY', 'gone', ''));
    shares.settled.catch(() => undefined);
    expect((await operate('up')).at(-1)).toMatchObject({ event: 'operation.failed' });
    expect(machine.engineState).toMatchObject({ kind: 'failed' });
    expect(driver.world.saved).toBeDefined();
  });

  test('grows the disk of a VM that it has resumed', async () => {
    const { operate, driver, file } = await savedMachine();
    file.content = { ...SAVES, vm: { ...SAVES.vm, diskGiB: 3 } };
    await operate('up');
    expect(driver.world.disks.get('/data')).toBe(3);
  });

  test.each<[string, (under: Awaited<ReturnType<typeof savedMachine>>) => void, RegExp]>([
    [
      'the memory is changed',
      ({ file }) => (file.content = { ...SAVES, vm: { ...SAVES.vm, memoryMiB: 1024 } }),
      /vm\.memoryMiB changed/,
    ],
    ['the subnet is changed', ({ given }) => (given.subnet = '10.0.76.0/24'), /network\.subnet changed/],
    ['the certificates are renewed', ({ given }) => (given.credentials = 'two'), /certificates/],
    ['what it was given is not known', ({ record }) => (record.content = undefined), /not known/],
    [
      'the settings of its engine are changed',
      ({ file }) => (file.content = { ...SAVES, engine: { daemonJson: { debug: true } } }),
      /engine\.daemonJson changed/,
    ],
  ])('shuts the saved VM down in order and boots it if %s', async (_when, change, because) => {
    const under = await savedMachine();
    const { operate, driver, world, machine } = under;
    change(under);
    driver.onExit(({ detail }) => world.push(detail));
    const events = await operate('up');
    expect(notices(events)).toMatch(because);
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    expect(world).toContain('The fake machine ended: it was asked to shut down.');
    expect(world).toContain('guest configured');
    expect(await machine.status()).toMatchObject({ state: 'running', vm: { state: 'running' } });
  });

  test.each<[string, (under: Awaited<ReturnType<typeof savedMachine>>) => void, RegExp]>([
    [
      'its boot image was replaced',
      ({ record }) => {
        if (record.content !== undefined) record.content = { ...record.content, image: 'another' };
      },
      /its boot image was replaced/,
    ],
  ])('discards the saved memory and boots if %s', async (_when, change, because) => {
    const under = await savedMachine();
    change(under);
    const events = await under.operate('up');
    expect(notices(events)).toMatch(because);
    expect(notices(events)).toContain('like a power failure');
    expect(under.world).toContain('guest configured');
  });

  test('boots if the saved memory cannot be loaded', async () => {
    const failAt: FakeDriverOptions['failAt'] = {};
    const { operate, driver, world } = await savedMachine({ failAt });
    failAt.restore = new MobyvmError('MOBYVM_VM_RESTORE', 'The file is damaged.', '');
    const events = await operate('up');
    expect(notices(events)).toContain('The file is damaged.');
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    expect(world).toContain('guest configured');
    expect(driver.world.saved).toBeUndefined();
  });

  test('keeps the saved memory if the host is the reason that it cannot be resumed', async () => {
    const failAt: FakeDriverOptions['failAt'] = {};
    const { operate, driver } = await savedMachine({ failAt });
    failAt.restore = new MobyvmError('MOBYVM_VM_START', 'The host has too little memory.', 'Free some.');
    expect((await operate('up')).at(-1)).toMatchObject({ error: { code: 'MOBYVM_VM_START' } });
    expect(driver.world.saved).toBeDefined();
    delete failAt.restore;
    expect((await operate('up')).at(-1)).toMatchObject({ event: 'operation.done' });
  });

  test('saves the VM again when it is interrupted', async () => {
    const { machine, operate, driver, engine, record } = await savedMachine();
    engine.answers = false;
    const up = operate('up');
    const waits = async (): Promise<boolean> =>
      (await machine.status()).step?.detail === 'waiting for its engine';
    await waitFor(
      { title: 'the resumed VM', timeoutSeconds: 20, hint: '', everyMs: 5, check: waits },
      new AbortController().signal,
    );
    await machine.cancel();
    expect((await up).at(-1)).toMatchObject({ error: { code: 'MOBYVM_ABORTED' } });
    expect(driver.world.saved).toBeDefined();
    expect(record.content?.saved).toBeDefined();
    engine.answers = true;
    expect(notices(await operate('up'))).toBe('');
  });

  test('lets a VM run on whose save was interrupted', async () => {
    const { operate, driver, world, machine } = savingMachine();
    await operate('up');
    world.length = 0;
    driver.world.pause();
    await operate('up');
    expect(world).not.toContain('guest configured');
    expect((await machine.status()).vm.state).toBe('running');
  });
});

test('restart shuts a saved VM down and boots it', async () => {
  const { operate, driver, world } = await savedMachine();
  driver.onExit(({ detail }) => world.push(detail));
  expect((await operate('restart')).at(-1)).toMatchObject({ event: 'operation.done' });
  expect(world).toContain('The fake machine ended: it was asked to shut down.');
  expect(world).toContain('guest configured');
});

test('uninstall discards a saved memory with the disk, and shuts the VM down if the disk is kept', async () => {
  const { operate, driver, record, world } = await savedMachine();
  driver.onExit(({ detail }) => world.push(detail));
  expect((await operate('uninstall', true)).at(-1)).toMatchObject({ event: 'operation.done' });
  expect(world).toContain('The fake machine ended: it was asked to shut down.');
  expect(driver.world.saved).toBeUndefined();
  const other = await savedMachine();
  other.driver.onExit(({ detail }) => other.world.push(detail));
  await other.operate('uninstall');
  expect(other.world.join()).not.toContain('asked to shut down');
  expect(other.driver.world.disks.size).toBe(0);
  expect([record.content, other.record.content]).toEqual([undefined, undefined]);
});
