import { describe, expect, it } from 'vitest';
import type { VmExit, VmStall } from '../../src/vm/index.js';
import { recordingContext, until, untilState, type VmHarness } from '../support/vm/vm-harness.js';

const SIGNAL = new AbortController().signal;

/** What every VM driver has to do, whatever stands behind it. `make` gives a machine that is not yet defined. */
export function describeVmDriver(name: string, make: () => Promise<VmHarness>): void {
  describe(`${name} keeps to the VM driver contract`, () => {
    describeDefinition(make);
    describeLife(make);
    describeEnds(make);
    describeSaving(make);
    describeLaterDaemon(make);
    describeRemoval(make);
  });
}

/** A machine whose guest can be made to want room that its host has not. */
export interface StallingHarness extends VmHarness {
  /** Returns once the host's disk is full and the guest wants to write. */
  fillDisk(): Promise<void>;
  makeRoom(): Promise<void>;
}

/** The part of the contract that needs a guest which writes to its disk. */
export function describeStalls(name: string, make: () => Promise<StallingHarness>): void {
  describe(`${name} with a full disk`, () => {
    it('reports that the machine stalled, and resumes it only once there is space', async () => {
      await using vm = await make();
      await startMachine(vm);
      const stalls: VmStall[] = [];
      vm.driver.onStall((stall) => stalls.push(stall));
      await vm.fillDisk();
      await until('the stall', () => stalls.length > 0, 60);
      expect(stalls[0]).toMatchObject({ folder: expect.stringMatching(/^\//) as string });
      expect(await vm.driver.state(SIGNAL)).toBe('stalled');
      await expect(vm.driver.resume(SIGNAL)).rejects.toMatchObject({ code: 'MOBYVM_DISK_FULL' });
      await expect(vm.driver.start(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_DISK_FULL' });
      await vm.makeRoom();
      await vm.driver.resume(SIGNAL);
      expect(await vm.driver.state(SIGNAL)).toBe('running');
      await vm.driver.resume(SIGNAL);
      expect(await vm.driver.state(SIGNAL)).toBe('running');
    });

    it('can be stopped while the machine is stalled', async () => {
      await using vm = await make();
      await startMachine(vm);
      await vm.fillDisk();
      await untilState(vm.driver, 'stalled', 60);
      await vm.driver.stop({ gracefulSeconds: 1 }, recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });
  });
}

function describeDefinition(make: () => Promise<VmHarness>): void {
  describe('definition', () => {
    it('is absent before the first define, and removing or stopping it then succeeds', async () => {
      await using vm = await make();
      expect(await vm.driver.state(SIGNAL)).toBe('absent');
      expect(await vm.driver.definition()).toBeUndefined();
      await vm.driver.stop({ gracefulSeconds: 1 }, recordingContext());
      await vm.driver.powerOff(recordingContext());
      await vm.driver.remove({ dataDisk: true }, recordingContext());
      expect(await vm.traces()).toEqual([]);
    });

    it('is kept, with the data disk, and a later driver reads it', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('off');
      expect(await vm.driver.definition()).toEqual(vm.spec);
      expect(await vm.another().definition()).toEqual(vm.spec);
      expect(await vm.diskGiB()).toBe(vm.spec.dataDisk.sizeGiB);
    });

    it('enlarges the data disk and never shrinks it', async () => {
      await using vm = await make();
      const sized = (sizeGiB: number) => ({ ...vm.spec, dataDisk: { ...vm.spec.dataDisk, sizeGiB } });
      expect(await vm.driver.define(sized(2), recordingContext())).toEqual({ diskGiB: 2 });
      expect(await vm.driver.define(sized(3), recordingContext())).toEqual({ diskGiB: 3 });
      expect(await vm.diskGiB()).toBe(3);
      expect(await vm.driver.define(sized(1), recordingContext())).toEqual({ diskGiB: 3 });
      expect(await vm.diskGiB()).toBe(3);
    });

    it('undoes a first define, the new disk included', async () => {
      await using vm = await make();
      const context = recordingContext();
      await vm.driver.define(vm.spec, context);
      await context.undoAll();
      expect(await vm.driver.state(SIGNAL)).toBe('absent');
      expect(await vm.diskGiB()).toBeUndefined();
    });

    it('undoes a later define without touching the existing disk', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      const context = recordingContext();
      await vm.driver.define({ ...vm.spec, cpus: 2 }, context);
      await context.undoAll();
      expect(await vm.driver.definition()).toEqual(vm.spec);
      expect(await vm.diskGiB()).toBe(vm.spec.dataDisk.sizeGiB);
    });
  });
}

function describeLife(make: () => Promise<VmHarness>): void {
  describe('life cycle', () => {
    it('refuses to start an undefined machine, with a code and a remedy', async () => {
      await using vm = await make();
      const refusal = { code: 'MOBYVM_VM_STATE', remedy: expect.stringMatching(/\w/) as string };
      await expect(vm.driver.start(recordingContext())).rejects.toMatchObject(refusal);
      await expect(vm.driver.save(recordingContext())).rejects.toMatchObject(refusal);
      await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject(refusal);
    });

    it('runs after start, leaves a running machine alone, and names its accelerator', async () => {
      await using vm = await started(make);
      expect(await vm.driver.state(SIGNAL)).toBe('running');
      const again = recordingContext();
      await vm.driver.start(again);
      await again.undoAll();
      expect(await vm.driver.state(SIGNAL)).toBe('running');
      const { accelerator } = vm.driver.features;
      // Hyper-V does not tell.
      expect(accelerator ?? 'hyperv').toMatch(/^(kvm|tcg|fake|hyperv)$/);
    });

    it('reports what the running machine was started with, whatever was defined since', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      expect(await vm.driver.runningSpec()).toBeUndefined();
      await vm.driver.start(recordingContext());
      await vm.driver.define({ ...vm.spec, cpus: vm.spec.cpus + 1 }, recordingContext());
      expect(await vm.driver.runningSpec()).toEqual(vm.spec);
      expect(await vm.another().runningSpec()).toEqual(vm.spec);
      await vm.driver.powerOff(recordingContext());
      expect(await vm.driver.runningSpec()).toBeUndefined();
    });

    it('undoes its start by powering off', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      const context = recordingContext();
      await vm.driver.start(context);
      await context.undoAll();
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });

    it('starts nothing when the signal is aborted already', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      const context = recordingContext(AbortSignal.abort());
      await expect(vm.driver.start(context)).rejects.toMatchObject({ name: 'AbortError' });
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });

    it('can be aborted while it starts, and leaves the machine off', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      const abort = new AbortController();
      const context = recordingContext(abort.signal);
      const starting = vm.driver.start({
        ...context,
        progress: () => abort.abort(),
      });
      await starting.catch(() => undefined);
      await context.undoAll();
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });

    it('emits console lines as they appear and keeps them', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      const lines: string[] = [];
      const unheard: string[] = [];
      vm.driver.console.onLine((line) => lines.push(line));
      vm.driver.console.onLine((line) => unheard.push(line))();
      await vm.driver.start(recordingContext());
      await until('the first console line', () => lines.length > 0, 60);
      await until('the line in the tail', async () =>
        (await vm.driver.console.tail(1_000)).includes(lines[0]!),
      );
      expect(await vm.driver.console.tail(1)).toHaveLength(1);
      expect(await vm.driver.console.tail(0)).toEqual([]);
      expect(unheard).toEqual([]);
    });
  });
}

function describeEnds(make: () => Promise<VmHarness>): void {
  describe('stop', () => {
    it('powers off at once, reports a forced stop, and can be repeated', async () => {
      await using vm = await started(make);
      const exits = exitsOf(vm);
      await vm.driver.powerOff(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('off');
      expect(exits).toEqual([{ reason: 'host', detail: expect.stringMatching(/\w/) as string }]);
      await vm.driver.powerOff(recordingContext());
      expect(await vm.driver.stop({ gracefulSeconds: 5 }, recordingContext())).toBe('clean');
      expect(exits).toHaveLength(1);
    });

    it('does not ask the guest if its timeout is 0', async () => {
      await using vm = await started(make);
      expect(await vm.driver.stop({ gracefulSeconds: 0 }, recordingContext())).toBe('forced');
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });

    it('powers off a guest that does not respond in time', async () => {
      await using vm = await started(make);
      await vm.driver.stop({ gracefulSeconds: 0.1 }, recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });

    it('lets a responsive guest shut itself down', async () => {
      await using vm = await started(make);
      const exits = exitsOf(vm);
      await vm.untilGuestListens(SIGNAL);
      const context = recordingContext();
      expect(await vm.driver.stop({ gracefulSeconds: 60 }, context)).toBe('clean');
      expect(await vm.driver.state(SIGNAL)).toBe('off');
      expect(exits.map((exit) => exit.reason)).toEqual(['host']);
      expect(exits[0]?.detail).toContain('asked to shut down');
      expect(context.progressed).not.toContain('powering off');
    });

    it('reports a machine that died, and starts it again', async () => {
      await using vm = await started(make);
      const exits = exitsOf(vm);
      await vm.crash();
      await until('the exit', () => exits.length > 0);
      expect(exits).toEqual([{ reason: 'died', detail: expect.stringMatching(/\w/) as string }]);
      expect(await vm.driver.state(SIGNAL)).toBe('off');
      await vm.driver.start(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('running');
    });

    it('reports a hung machine as crashed, does not start a second one, and can stop it', async () => {
      await using vm = await started(make);
      await vm.freeze();
      expect(await vm.driver.state(SIGNAL)).toBe('crashed');
      await expect(vm.driver.start(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_STATE' });
      expect(await vm.driver.stop({ gracefulSeconds: 30 }, recordingContext())).toBe('forced');
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });

    it('does not call a listener that has unsubscribed', async () => {
      await using vm = await started(make);
      const exits: VmExit[] = [];
      vm.driver.onExit((exit) => exits.push(exit))();
      await vm.driver.powerOff(recordingContext());
      expect(exits).toEqual([]);
    });
  });
}

function describeSaving(make: () => Promise<VmHarness>): void {
  describe('save', () => {
    it('saves, refuses to start over the saved state, and restores it', async () => {
      await using vm = await started(make);
      expect(await vm.driver.savedBytes()).toBeUndefined();
      await vm.driver.save(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('saved');
      expect((await vm.driver.savedBytes()) ?? 1).toBeGreaterThan(0);
      await vm.driver.save(recordingContext());
      await expect(vm.driver.start(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_STATE' });
      await vm.driver.restore(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('running');
      await vm.driver.restore(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('running');
    });

    it('uses a saved state only once', async () => {
      await using vm = await started(make);
      await vm.driver.save(recordingContext());
      await vm.driver.restore(recordingContext());
      await vm.driver.powerOff(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('off');
      await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_STATE' });
    });

    it('restores a saved machine after its definition has changed', async () => {
      await using vm = await started(make);
      await vm.driver.save(recordingContext());
      await vm.driver.define({ ...vm.spec, memoryMiB: vm.spec.memoryMiB * 2 }, recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('saved');
      await vm.driver.restore(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('running');
    });

    it('can save and restore more than once', async () => {
      await using vm = await started(make);
      for (let round = 0; round < 2; round += 1) {
        await vm.driver.save(recordingContext());
        await vm.driver.restore(recordingContext());
      }
      expect(await vm.driver.state(SIGNAL)).toBe('running');
    });

    it('discards a saved state when it is powered off', async () => {
      await using vm = await started(make);
      await vm.driver.save(recordingContext());
      await vm.driver.powerOff(recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('off');
    });

    it('refuses to save a machine that is off', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      await expect(vm.driver.save(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_STATE' });
      await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_STATE' });
    });
  });
}

function describeLaterDaemon(make: () => Promise<VmHarness>): void {
  describe('a later daemon', () => {
    it('adopts the machine that an earlier one left running', async () => {
      await using vm = await started(make);
      await vm.driver.close();
      const later = vm.another();
      const exits: VmExit[] = [];
      later.onExit((exit) => exits.push(exit));
      expect(await later.state(SIGNAL)).toBe('running');
      await later.start(recordingContext());
      await later.powerOff(recordingContext());
      expect(await later.state(SIGNAL)).toBe('off');
      expect(exits.map((exit) => exit.reason)).toEqual(['host']);
    });

    it('restores a machine that an earlier one saved', async () => {
      await using vm = await started(make);
      await vm.driver.save(recordingContext());
      await vm.driver.close();
      const later = vm.another();
      expect(await later.state(SIGNAL)).toBe('saved');
      await later.restore(recordingContext());
      expect(await later.state(SIGNAL)).toBe('running');
    });

    it('is notified when an adopted machine exits', async () => {
      await using vm = await started(make);
      await vm.driver.close();
      const later = vm.another();
      await untilState(later, 'running');
      const exits: VmExit[] = [];
      later.onExit((exit) => exits.push(exit));
      await vm.crash();
      await until('the exit', () => exits.length > 0);
      expect(exits.map((exit) => exit.reason)).toEqual(['died']);
    });
  });
}

function describeRemoval(make: () => Promise<VmHarness>): void {
  describe('removal', () => {
    it('stops a running machine, keeps the data disk, and leaves nothing else', async () => {
      await using vm = await started(make);
      await vm.driver.remove({ dataDisk: false }, recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('absent');
      expect(await vm.diskGiB()).toBe(vm.spec.dataDisk.sizeGiB);
      expect(await vm.traces()).toEqual([]);
      await vm.driver.remove({ dataDisk: false }, recordingContext());
    });

    it('deletes the data disk too if asked', async () => {
      await using vm = await make();
      await vm.driver.define(vm.spec, recordingContext());
      await vm.driver.remove({ dataDisk: true }, recordingContext());
      expect(await vm.diskGiB()).toBeUndefined();
      expect(await vm.traces()).toEqual([]);
    });

    it('removes a saved machine', async () => {
      await using vm = await started(make);
      await vm.driver.save(recordingContext());
      await vm.driver.remove({ dataDisk: true }, recordingContext());
      expect(await vm.driver.state(SIGNAL)).toBe('absent');
      expect(await vm.traces()).toEqual([]);
    });
  });
}

async function started(make: () => Promise<VmHarness>): Promise<VmHarness> {
  const vm = await make();
  try {
    await startMachine(vm);
    return vm;
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
}

async function startMachine({ driver, spec }: VmHarness): Promise<void> {
  await driver.define(spec, recordingContext());
  await driver.start(recordingContext());
}

function exitsOf(vm: VmHarness): readonly VmExit[] {
  const exits: VmExit[] = [];
  vm.driver.onExit((exit) => exits.push(exit));
  return exits;
}
