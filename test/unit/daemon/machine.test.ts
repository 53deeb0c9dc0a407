import { describe, expect, test, vi } from 'vitest';
import { waitFor } from '../../../src/core/host/index.js';
import { MobyvmError } from '../../../src/core/values/index.js';
import type { Machine } from '../../../src/daemon/machine/machine.js';
import type { OperationEvent } from '../../../src/daemon/machine/operation.js';
import { machineWith } from '../../support/fake-machine.js';

/** Waits until an operation waits for the engine. */
function untilEngineStep(machine: Machine): Promise<void> {
  const check = async (): Promise<boolean> => (await machine.status()).step?.id === 'engine';
  const requirement = { title: 'the engine step', timeoutSeconds: 20, hint: '', everyMs: 5, check };
  return waitFor(requirement, new AbortController().signal);
}

describe('a machine', () => {
  test('starts step by step and reports the stages of the guest', async () => {
    const { machine, operate, world } = machineWith();
    const events = await operate('up');
    expect(events.filter((event) => event.event === 'step.done').map((event) => event.step)).toEqual([
      'image',
      'network',
      'certificates',
      'vm-definition',
      'vm',
      'guest-kernel',
      'guest-configuration',
      'guest-address',
      'engine',
    ]);
    expect(world).toEqual([
      'image up',
      'network up',
      'certificates made',
      'guest configured',
      'guest followed',
      'clock started',
    ]);
    expect(await machine.status()).toMatchObject({
      state: 'running',
      engine: { reachable: true, version: '26' },
      vm: { state: 'running', driver: 'fake' },
    });
    expect(machine.engineState).toEqual({ kind: 'ready' });
  });

  test.each([[[]], [['C']]])('can mount shares as soon as it is up; at its start it has %j', async (ids) => {
    const seen: string[] = [];
    const noted = {
      ids: () => ids,
      vmReady: () => void seen.push('ready'),
      engineReady: () => void seen.push('engine'),
    };
    await machineWith({ shares: noted }).operate('up');
    expect(seen).toEqual(['ready', 'engine']);
  });

  test('waits for an engine that answers a ping but is too busy for more', async () => {
    const { machine, operate, engine } = machineWith();
    engine.failsVersion = 2;
    const events = await operate('up');
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    engine.failsVersion = 1;
    expect((await operate('up')).at(-1)).toMatchObject({ event: 'operation.done' });
    expect(await machine.status()).toMatchObject({ engine: { reachable: true, version: '26' } });
  });

  test('stops and can start again', async () => {
    const { machine, operate, world } = machineWith();
    await operate('up');
    await operate('down');
    expect(machine.engineState).toEqual({ kind: 'stopped' });
    expect(await machine.status()).toMatchObject({ state: 'stopped', vm: { state: 'off' } });
    expect(world.slice(-2)).toEqual(['guest left', 'network removed']);
    expect((await operate('up')).at(-1)).toMatchObject({ event: 'operation.done' });
  });

  test('warns when the VM had to be powered off, and only then', async () => {
    const { operate } = machineWith();
    await operate('up');
    for (const name of ['restart', 'down'] as const)
      expect((await operate(name)).map(({ event }) => event)).not.toContain('operation.notice');
    const deaf = machineWith({ isDeaf: true });
    deaf.file.content = { vm: { ...deaf.file.content.vm, stopTimeoutSeconds: 1 } };
    await deaf.operate('up');
    expect((await deaf.operate('down')).filter(({ event }) => event === 'operation.notice')).toMatchObject([
      { message: expect.stringMatching(/did not shut down within 1 s and was powered off/) as string },
    ]);
  });

  test('forwards what the guest reports about its shutdown', async () => {
    const { operate, driver } = machineWith({ isDeaf: true });
    await operate('up');
    const driverStop = driver.stop.bind(driver);
    driver.stop = (options, context) => {
      driver.world.print('[mobyvm 90.10] shutdown: power button pressed');
      for (let disk = 1; disk < 9; disk++)
        driver.world.print(`[mobyvm 92.10] shutdown!: disk ${disk} is in use`);
      driver.world.print('[mobyvm 93.10] data!: not about the shutdown');
      return driverStop({ gracefulSeconds: 0 }, context).then(() => 'clean');
    };
    const events = await operate('down');
    expect(events).toContainEqual({
      ...{ event: 'step.progress', step: 'vm' },
      detail: 'power button pressed',
    });
    const notices = events.filter((event) => event.event === 'operation.notice');
    expect(notices).toHaveLength(5);
    expect(notices[0]?.message).toBe('The guest reports: disk 1 is in use.');
  });

  test('whose VM cannot start undoes the rest and reports the reason at the endpoint', async () => {
    const failure = new MobyvmError('MOBYVM_VM_START', 'QEMU said no.', 'Ask it why.');
    const { machine, operate, world } = machineWith({ failAt: { start: failure } });
    expect((await operate('up')).at(-1)).toMatchObject({
      event: 'operation.failed',
      error: { code: 'MOBYVM_VM_START' },
    });
    expect(world.slice(-3)).toEqual(['certificates undone', 'network undone', 'image undone']);
    expect(machine.engineState).toMatchObject({ kind: 'failed', error: { remedy: 'Ask it why.' } });
    // Nothing of it is left, so that its daemon may end.
    expect(await machine.isGone()).toBe(true);
    expect((await machine.status()).network.subnet).toBeUndefined();
  });

  test('whose guest reports an error fails at once with that error and the console', async () => {
    const bootLines = [
      '[mobyvm 1.00] initramfs: started',
      '[mobyvm 2.00] data!: no data disk: nothing has the label',
    ];
    const { operate, driver, engine } = machineWith({ bootLines });
    engine.answers = false;
    const last = (await operate('up')).at(-1);
    expect(last).toMatchObject({
      event: 'operation.failed',
      error: { code: 'MOBYVM_GUEST_BOOT', details: { stage: 'data' } },
    });
    expect(JSON.stringify(last)).toContain('data: no data disk: nothing has the label');
    expect(driver.world.runState).toBeUndefined();
  });

  test('whose VM has crashed fails long before its timeout', async () => {
    const { operate, driver, engine } = machineWith({ bootTimeoutSeconds: 600 });
    engine.answers = false;
    const starting = operate('up');
    const hasBegun = (): Promise<boolean> => Promise.resolve(driver.world.runState === 'running');
    await waitFor(
      { title: 'the VM', timeoutSeconds: 20, hint: '', check: hasBegun },
      new AbortController().signal,
    );
    driver.world.freeze();
    expect((await starting).at(-1)).toMatchObject({
      event: 'operation.failed',
      error: { code: 'MOBYVM_VM_DIED', message: expect.stringContaining('has crashed') as string },
    });
  }, 20_000);

  test('whose settings need more than the host has is left unchanged', async () => {
    const { operate, file, machine } = machineWith();
    await operate('up');
    file.content = { vm: { memoryMiB: 4098 } };
    expect((await operate('restart')).at(-1)).toMatchObject({ error: { code: 'MOBYVM_SETTINGS' } });
    expect((await machine.status()).vm.state).toBe('running');
    await operate('down');
    file.content = { vm: { cpus: 3 } };
    const notices = (await operate('up')).filter(({ event }) => event === 'operation.notice');
    expect(notices).toMatchObject([{ message: expect.stringContaining('this host has 2') as string }]);
  });

  test('reports at once that its VM has died', async () => {
    const { machine, operate, driver } = machineWith();
    await operate('up');
    driver.crash();
    expect(await machine.status()).toMatchObject({ state: 'failed', error: { code: 'MOBYVM_VM_DIED' } });
    expect(machine.engineState).toMatchObject({ kind: 'failed' });
    // Its network still stands.
    expect((await machine.status()).network.subnet).toBe('10.0.75.0/24');
    expect((await operate('up')).at(-1)).toMatchObject({ event: 'operation.done' });
    expect(await machine.status()).toMatchObject({ state: 'running' });
  });

  test('whose engine stops answering is degraded until it answers again', async () => {
    const { machine, operate, engine } = machineWith();
    await operate('up');
    engine.answers = false;
    await machine.checkHealth();
    expect(await machine.status()).toMatchObject({
      state: 'degraded',
      error: { code: 'MOBYVM_ENGINE_UNREACHABLE' },
    });
    engine.answers = true;
    await machine.checkHealth();
    expect((await machine.status()).error).toBeUndefined();
    expect(machine.state).toBe('running');
  });

  test('that is running stays usable during another up, even if that is cancelled', async () => {
    const { machine, operate, engine } = machineWith({ bootTimeoutSeconds: 60 });
    await operate('up');
    engine.answers = false;
    const again = operate('up');
    await untilEngineStep(machine);
    expect(machine.engineState).toEqual({ kind: 'ready' });
    expect(await machine.cancel()).toBe(true);
    expect((await again).at(-1)).toMatchObject({
      event: 'operation.failed',
      error: { code: 'MOBYVM_ABORTED' },
    });
    expect(machine.state).toBe('running');
  });

  test('that is running keeps its state and start time when an up has nothing to do', async () => {
    const { machine, operate } = machineWith();
    await operate('up');
    const before = await machine.status();
    const states = new Set<string>();
    machine.onStatusChange(() => states.add(machine.state));
    await operate('up');
    expect([...states]).toEqual(['running']);
    expect((await machine.status()).since).toBe(before.since);
  });

  test('reads its settings at each up and restart', async () => {
    const { operate, file, applied } = machineWith();
    await operate('up');
    file.content = { log: { level: 'debug' } };
    await operate('up');
    file.content = { log: { level: 'warn' } };
    await operate('restart');
    await operate('down');
    expect(applied.map(({ log }) => log.level)).toEqual(['info', 'debug', 'warn']);
  });

  test('whose settings have become invalid is not stopped by a restart', async () => {
    const { machine, driver, operate, file } = machineWith();
    await operate('up');
    file.content = { vm: { cpus: 0 } };
    expect((await operate('restart')).at(-1)).toMatchObject({ event: 'operation.failed' });
    expect(driver.world.runState).toBe('running');
    expect((await machine.status()).vm.state).toBe('running');
  });

  test('that is running keeps its hardware; up and status report what a restart would change', async () => {
    const { machine, operate, file } = machineWith();
    await operate('up');
    file.content = { vm: { cpus: 4 }, network: { subnet: '10.9.9.0/24' } };
    const notice = (await operate('up')).find((event) => event.event === 'operation.notice');
    expect(notice?.message).toMatch(
      /`mobyvm restart` applies: vm\.cpus 2 → 4, network\.subnet 10\.0\.75\.0\/24 → 10\.9\.9\.0\/24/,
    );
    const pending = [
      { setting: 'vm.cpus', from: '2', to: '4' },
      { setting: 'network.subnet', from: '10.0.75.0/24', to: '10.9.9.0/24' },
    ];
    expect(await machine.status()).toMatchObject({ vm: { cpus: 2 }, pending });
    await operate('restart');
    const after = await machine.status();
    expect(after.vm.cpus).toBe(4);
    expect(after.pending).toBeUndefined();
  });

  test('keeps a data disk that is larger than in the settings, and says so', async () => {
    const { operate, driver, file } = machineWith();
    file.content = { vm: { diskGiB: 5 } };
    await operate('up');
    file.content = { vm: { diskGiB: 2 } };
    const notice = (await operate('restart')).find((event) => event.event === 'operation.notice');
    expect(notice?.message).toMatch(/vm\.diskGiB is 2, but the data disk has 5 GiB/);
    expect(driver.world.disks.get('/data')).toBe(5);
  });

  test('that is stopped reports no stage and no addresses of its guest', async () => {
    const { machine, operate } = machineWith();
    await operate('up');
    expect(await machine.isGone()).toBe(false);
    const up = await machine.status();
    expect(up.vm.stage).toMatch(/\w: /);
    expect(up.network.subnet).toBe('10.0.75.0/24');
    await operate('down');
    expect(await machine.isGone()).toBe(true);
    const down = await machine.status();
    expect(down.vm.stage).toBeUndefined();
    expect(down.network).toEqual({ name: 'mobyvm0', mac: '02:00:00:00:00:01' });
  });

  test('whose definition cannot be read reports that in its status, and can be stopped', async () => {
    const spoilt = new MobyvmError('MOBYVM_STATE_FILE', 'definition.json is spoilt.', 'Delete it.');
    const { machine, operate } = machineWith({ failAt: { state: spoilt } });
    expect((await operate('up')).at(-1)).toMatchObject({
      event: 'operation.failed',
      error: { code: 'MOBYVM_STATE_FILE' },
    });
    expect(await machine.status()).toMatchObject({
      vm: { state: 'unknown' },
      error: { code: 'MOBYVM_STATE_FILE', remedy: 'Delete it.' },
    });
    expect((await operate('down')).at(-1)).toMatchObject({ event: 'operation.done' });
    expect(machine.state).toBe('stopped');
  });

  describe("with a full disk under the guest's", () => {
    const STALL = { folder: '/data', freeBytes: 3 * 1024 ** 2 };
    const full = { code: 'MOBYVM_DISK_FULL', message: expect.stringMatching(/\/data.*3 MiB/) as string };

    test.each([
      ['while its engine starts', { answers: false, hears: true }],
      ['while the guest is being configured', { answers: false, hears: false }],
    ])('fails its start at once %s', async (_when, guest) => {
      const { operate, driver, engine } = machineWith({ bootTimeoutSeconds: 600 });
      Object.assign(engine, guest);
      const starting = operate('up');
      await waitFor(
        {
          title: 'the VM to run',
          timeoutSeconds: 20,
          hint: '',
          everyMs: 5,
          check: () => Promise.resolve(driver.world.runState === 'running'),
        },
        new AbortController().signal,
      );
      driver.world.fillDisk(STALL);
      expect((await starting).at(-1)).toMatchObject({ event: 'operation.failed', error: full });
      expect(driver.world.runState).toBeUndefined();
    });

    test('is degraded while it is stalled, and resumes by itself once there is space', async () => {
      const { machine, driver, operate } = machineWith();
      await operate('up');
      driver.world.fillDisk(STALL);
      expect(await machine.status()).toMatchObject({
        state: 'degraded',
        error: full,
        vm: { state: 'stalled' },
      });
      await machine.checkHealth();
      expect((await operate('up')).at(-1)).toMatchObject({ event: 'operation.failed', error: full });
      expect(await machine.status()).toMatchObject({ state: 'degraded', error: full });
      driver.world.stall = undefined;
      await machine.checkHealth();
      expect(await machine.status()).toMatchObject({ state: 'running', vm: { state: 'running' } });
    });

    test('resumes with the next up once there is space', async () => {
      const { machine, driver, operate } = machineWith();
      await operate('up');
      driver.world.fillDisk(STALL);
      driver.world.stall = undefined;
      expect((await operate('up')).at(-1)).toMatchObject({ event: 'operation.done' });
      expect(machine.state).toBe('running');
      expect((await machine.status()).error).toBeUndefined();
    });
  });

  describe('whose network was changed by another program', () => {
    test('repairs it, and reports that in its status', async () => {
      const { machine, operate, network } = machineWith();
      await operate('up');
      network.isThere = false;
      await machine.repair();
      expect(network.isThere).toBe(true);
      expect((await machine.status()).repairs).toMatchObject([
        { id: 'network', title: 'network', problem: 'missing' },
      ]);
      await machine.repair();
      expect((await machine.status()).repairs).toHaveLength(1);
      expect(machine.state).toBe('running');
    });

    test('is degraded, with the remedy, while the repair fails, and running again afterwards', async () => {
      const { machine, operate, network } = machineWith();
      await operate('up');
      network.isThere = false;
      network.broken = new MobyvmError(
        'MOBYVM_FOREIGN_OBJECT',
        'a foreign bridge has its name.',
        'Delete it.',
      );
      await machine.repair();
      await machine.checkHealth();
      expect(await machine.status()).toMatchObject({
        state: 'degraded',
        error: {
          code: 'MOBYVM_FOREIGN_OBJECT',
          message: 'Cannot repair network: a foreign bridge has its name.',
          remedy: 'Delete it.',
        },
        resources: [
          {
            ...{ id: 'network', title: 'network', health: 'broken' },
            ...{ problem: 'Cannot repair network: a foreign bridge has its name.', remedy: 'Delete it.' },
          },
        ],
      });
      expect(machine.engineState).toEqual({ kind: 'ready' });
      network.broken = undefined;
      await machine.repair();
      await machine.checkHealth();
      expect(await machine.status()).toMatchObject({
        state: 'running',
        resources: [{ id: 'network', title: 'network', health: 'healthy' }],
      });
      await operate('down');
      expect((await machine.status()).resources).toEqual([]);
    });

    test('repairs it as soon as a quick look finds the guard rules missing, and only then', async () => {
      const { machine, operate, network } = machineWith();
      await operate('up');
      await machine.checkGuard();
      expect((await machine.status()).repairs).toEqual([]);
      network.isThere = false;
      await Promise.all([machine.checkGuard(), machine.checkGuard()]);
      expect((await machine.status()).repairs).toHaveLength(1);
      await operate('down');
      await machine.checkGuard();
      expect(network.isThere).toBe(false);
    });

    test('leaves alone for a while what it could not repair, unless a person asks', async () => {
      const { machine, operate, network } = machineWith();
      await operate('up');
      network.isThere = false;
      network.broken = new MobyvmError('MOBYVM_FOREIGN_OBJECT', 'a foreign bridge has its name.', '');
      expect(await machine.repairDue()).toBe('changed');
      network.broken = undefined;
      expect(await machine.repairDue()).toBe('unchanged');
      expect(network.isThere).toBe(false);
      await machine.repairNow();
      expect(network.isThere).toBe(true);
    });

    test('ends a repair in the background for a command, which does not wait for it to succeed', async () => {
      const { machine, operate, network } = machineWith();
      await operate('up');
      network.isThere = false;
      let aborted = false;
      const ensure = vi.spyOn(network, 'ensure').mockImplementation(
        ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted = true;
              reject(signal.reason as Error);
            });
          }),
      );
      const repairing = machine.repairDue();
      await vi.waitUntil(() => ensure.mock.calls.length > 0, { timeout: 20_000 });
      const down = operate('down');
      await repairing;
      expect(aborted).toBe(true);
      expect((await down).at(-1)).toMatchObject({ event: 'operation.done' });
      expect(machine.state).toBe('stopped');
    });

    test('does not repair it while stopped or during an operation', async () => {
      const { machine, operate, network } = machineWith();
      await operate('up');
      await operate('down');
      await machine.repair();
      expect(network.isThere).toBe(false);
    });

    test('repairs it at once for a command, which is told when nothing can be repaired', async () => {
      const { machine, operate, network } = machineWith();
      await expect(machine.repairNow()).rejects.toMatchObject({ code: 'MOBYVM_BUSY' });
      await operate('up');
      network.isThere = false;
      // The first repair may have looked before; the command waits for one of its own.
      await Promise.all([machine.repair(), machine.repairNow()]);
      expect(network.isThere).toBe(true);
      await operate('down');
      await expect(machine.repairNow()).rejects.toMatchObject({ code: 'MOBYVM_BUSY' });
      expect(network.isThere).toBe(false);
    });

    test('reports obstacles by other programs without being degraded', async () => {
      const { machine, operate, obstacles } = machineWith();
      await operate('up');
      obstacles.push({ id: 'x', problem: 'A chain drops packets.', remedy: 'Change it.' });
      await machine.checkNetwork();
      expect(await machine.status()).toMatchObject({
        state: 'running',
        obstacles: [{ problem: 'A chain drops packets.', remedy: 'Change it.' }],
      });
    });
  });

  test('whose up was interrupted after its VM had died stays failed, because its network is still set up', async () => {
    const { machine, operate, driver, engine, world, network } = machineWith({ bootTimeoutSeconds: 60 });
    await operate('up');
    driver.crash();
    engine.answers = false;
    const again = operate('up');
    await untilEngineStep(machine);
    await machine.cancel();
    expect((await again).at(-1)).toMatchObject({ error: { code: 'MOBYVM_ABORTED' } });
    expect(network.isThere).toBe(true);
    expect(machine.state).toBe('failed');
    expect(await machine.isGone()).toBe(false);
    await operate('down');
    expect(world).toContain('network removed');
    expect(await machine.isGone()).toBe(true);
  });

  test('that is uninstalled removes the installation too, and the data disk only if asked', async () => {
    const { machine, operate, driver, world } = machineWith();
    await operate('up');
    await operate('down');
    expect(machine.isUninstalled).toBe(false);
    expect(driver.world.disks.has('/data')).toBe(true);
    expect((await operate('uninstall')).at(-1)).toMatchObject({ event: 'operation.done' });
    expect(world.slice(-3)).toEqual(['network removed', 'image removed', 'secrets removed']);
    expect(driver.world.disks.has('/data')).toBe(false);
    expect(machine).toMatchObject({ isUninstalled: true, state: 'stopped' });
  });

  test('keeps its data disk through an uninstall that is told to, and loses it in a later one', async () => {
    const { operate, driver } = machineWith();
    await operate('up');
    expect(detailsOf(await operate('uninstall', true))).toContain('the data disk is kept');
    expect(driver.world.disks.has('/data')).toBe(true);
    expect((await operate('uninstall')).at(-1)).toMatchObject({ event: 'operation.done' });
    expect(driver.world.disks.has('/data')).toBe(false);
  });

  test('claims no kept data disk where there is none', async () => {
    const { operate } = machineWith();
    expect(detailsOf(await operate('uninstall', true))).not.toContain('the data disk is kept');
  });

  test('that an earlier daemon left running is adopted, not started', async () => {
    const { operate, driver } = machineWith();
    await operate('up');
    const next = machineWith({ world: driver.world });
    const events = await next.operate('up');
    expect(events.find((event) => event.event === 'step.done' && event.step === 'vm')).toMatchObject({
      change: 'none',
    });
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
  });
});

function detailsOf(events: readonly OperationEvent[]): readonly string[] {
  return events.flatMap((event) => (event.event === 'step.progress' ? [event.detail] : []));
}

describe('a boot image whose engine does not answer', () => {
  const withImages = (before: string | undefined) => {
    const asked: string[] = [];
    const made = machineWith({
      bootTimeoutSeconds: 10,
      lastImage: {
        choose: (wanted, isRetry) => {
          asked.push(`choose ${isRetry ? 'again' : ''}`.trim());
          return Promise.resolve(wanted);
        },
        answered: (path) => Promise.resolve(void asked.push(`answered ${path}`)),
        before: () => {
          made.engine.answers = true;
          return Promise.resolve(before);
        },
        hasFailed: (path) => Promise.resolve(void asked.push(`failed ${path}`)),
      },
    });
    made.engine.answers = false;
    return { ...made, asked };
  };

  test('is replaced by the one before it, in the same `up`; `restart` tries it again', async () => {
    const { machine, operate, asked, driver } = withImages('/kept.iso');
    const events = await operate('up');
    expect(events.filter(({ event }) => event === 'operation.notice')).toMatchObject([
      { message: expect.stringContaining('The boot image /mobyvm.iso did not start') as string },
    ]);
    expect(events.at(-1)).toMatchObject({ event: 'operation.done' });
    expect((await machine.status()).state).toBe('running');
    expect((await driver.definition())?.isoPath).toBe('/kept.iso');
    await operate('restart');
    expect(asked).toEqual([
      'choose',
      'answered /kept.iso',
      'failed /mobyvm.iso',
      'choose again',
      'answered /mobyvm.iso',
    ]);
    expect((await driver.definition())?.isoPath).toBe('/mobyvm.iso');
  });

  test('fails the start if there is none before it, and is not noted', async () => {
    const { operate, asked } = withImages(undefined);
    const events = await operate('up');
    expect(events.at(-1)).toMatchObject({ event: 'operation.failed', error: { code: 'MOBYVM_GUEST_BOOT' } });
    expect(asked).toEqual(['choose']);
  });
});
