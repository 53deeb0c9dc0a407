import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/core/host/index.js';
import { MobyvmError } from '../../src/core/values/index.js';
import type { VmExit, VmSpec } from '../../src/vm/index.js';
import { AcceleratorChoice, tryAccelerator } from '../../src/vm/qemu/accelerator.js';
import { DEFAULT_MACHINE_TYPE } from '../../src/vm/qemu/command-line.plan.js';
import { launchMachine } from '../../src/vm/qemu/launch.js';
import { qemuSetup } from '../../src/vm/qemu/qemu-setup.js';
import { QmpClient } from '../../src/vm/qemu/qmp-client.js';
import { describeVmDriver } from '../contract/vm-driver.js';
import { QemuHarness } from '../support/vm/qemu-harness.js';
import { smallFileSystem } from '../support/vm/small-file-system.js';
import { recordingContext, until } from '../support/vm/vm-harness.js';

const SIGNAL = new AbortController().signal;

describeVmDriver('the QEMU driver', () => QemuHarness.create());

describe('memory', () => {
  it('goes on where it stopped, in a file that is gone afterwards', async () => {
    await using vm = await started();
    await until('some counts', async () => (await vm.count()) >= 15, 60);
    await vm.driver.save(recordingContext());
    const saved = await vm.count();
    await vm.driver.restore(recordingContext());
    await until('the next count', async () => (await vm.count()) > 0, 60);
    expect(await vm.count()).toBeGreaterThan(saved);
    expect(await stateFiles(vm)).toEqual(['definition.json', 'machine.json']);
  });

  it('is not saved when the disk fills up, and the guest goes on', async () => {
    await using small = await smallFileSystem(256 * 1024);
    await using vm = await QemuHarness.create(
      {},
      { stateDirectory: small.path, freeBytes: () => Promise.resolve(1e12) },
    );
    await start(vm);
    await until('a count', async () => (await vm.count()) > 0, 60);
    await expect(vm.driver.save(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_DISK_FULL' });
    expect(await vm.driver.state(SIGNAL)).toBe('running');
    const before = await vm.count();
    await until('the next count', async () => (await vm.count()) > before);
    expect(await readdir(small.path)).toEqual(['definition.json', 'machine.json']);
  });

  it('is not even begun to be saved where the disk has too little space', async () => {
    await using vm = await QemuHarness.create({}, { freeBytes: () => Promise.resolve(100 * 1024 ** 2) });
    await start(vm);
    const context = recordingContext();
    await expect(vm.driver.save(context)).rejects.toMatchObject({
      code: 'MOBYVM_DISK_FULL',
      message: expect.stringContaining('100 MiB are free') as string,
    });
    expect(context.progressed).toEqual([]);
    expect(await vm.driver.state(SIGNAL)).toBe('running');
  });

  it('is not saved when the save is aborted, and the guest goes on', async () => {
    await using vm = await started();
    const abort = new AbortController();
    const context = { ...recordingContext(abort.signal), progress: () => abort.abort() };
    await expect(vm.driver.save(context)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await vm.driver.state(SIGNAL)).toBe('running');
    expect(await stateFiles(vm)).toEqual(['definition.json', 'machine.json']);
    await vm.driver.save(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('saved');
  });

  it('is kept when it cannot be restored, and no process stays behind', async () => {
    await using vm = await started();
    await vm.driver.save(recordingContext());
    const memory = join(vm.options.stateDirectory, 'memory.saved');
    const sound = await readFile(memory);
    const broken = Buffer.from(sound).fill(0xff, 0, 64);
    await writeFile(memory, broken);
    const failure = { code: 'MOBYVM_VM_RESTORE', remedy: expect.stringContaining('kept') as string };
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject(failure);
    expect(await vm.driver.state(SIGNAL)).toBe('saved');
    expect(await vm.pids()).toEqual([]);
    await truncate(memory, 1_000);
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject(failure);
    await writeFile(memory, sound);
    await vm.driver.restore(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('running');
  });

  it('is not restored over another boot ISO', async () => {
    await using vm = await started();
    await vm.driver.save(recordingContext());
    await utimes(vm.spec.isoPath, new Date(), new Date(1));
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_VM_RESTORE',
      message: expect.stringContaining('boot ISO') as string,
    });
    expect(await vm.driver.state(SIGNAL)).toBe('saved');
  });

  it('is loaded anew after a restore that a dead daemon left half-done', async () => {
    await using vm = await started();
    await vm.driver.save(recordingContext());
    const hardware = { spec: vm.spec, accelerator: 'tcg' as const, machineType: DEFAULT_MACHINE_TYPE };
    await launchMachine(qemuSetup(vm.options), hardware, { isRestore: true, signal: SIGNAL });
    const [abandoned] = await vm.pids();
    await vm.driver.restore(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('running');
    expect(await vm.pids()).toHaveLength(1);
    expect(await vm.pids()).not.toEqual([abandoned]);
  });
});

describe('adoption', () => {
  it('finds a machine whose record is lost, and can still save it', async () => {
    await using vm = await started();
    const pids = await vm.pids();
    await vm.driver.close();
    await rm(join(vm.options.stateDirectory, 'machine.json'));
    const later = vm.another();
    await later.start(recordingContext());
    expect(await vm.pids()).toEqual(pids);
    await later.save(recordingContext());
    await later.restore(recordingContext());
    expect(await later.state(SIGNAL)).toBe('running');
  });

  it('does not save a machine of which it does not know how it was started', async () => {
    await using vm = await started();
    await vm.driver.define({ ...vm.spec, memoryMiB: 96 }, recordingContext());
    await vm.driver.close();
    await writeFile(join(vm.options.stateDirectory, 'machine.json'), '{"torn');
    const later = vm.another();
    expect(await later.state(SIGNAL)).toBe('running');
    await expect(later.save(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_SAVE' });
    expect(await later.state(SIGNAL)).toBe('running');
  });

  it('does not take another process for the machine', async () => {
    await using vm = await started();
    await vm.driver.powerOff(recordingContext());
    const record = {
      format: 1,
      machineId: vm.spec.machineId,
      pid: process.pid,
      startTicks: '1',
      qmpSocket: '/x',
    };
    await writeFile(join(vm.options.stateDirectory, 'machine.json'), JSON.stringify(record));
    expect(await vm.driver.state(SIGNAL)).toBe('off');
  });

  it('lets a machine go on that a dead daemon left paused', async () => {
    await using vm = await started();
    await vm.driver.close();
    const client = await QmpClient.connect(join(vm.options.runDirectory, 'qmp.sock'));
    await client.execute('stop');
    client.close();
    const later = vm.another();
    expect(await later.state(SIGNAL)).toBe('paused');
    await later.start(recordingContext());
    expect(await later.state(SIGNAL)).toBe('running');
  });
});

describe('ends', () => {
  it('presses the power button again for a guest that did not listen yet', async () => {
    await using vm = await started();
    const context = recordingContext();
    await vm.driver.stop({ gracefulSeconds: 60 }, context);
    expect(context.progressed).not.toContain('powering off');
    expect(await vm.count()).toBeGreaterThanOrEqual(10);
  });

  it('says that the guest shut itself down when nobody of us asked it to', async () => {
    await using vm = await started();
    await vm.untilGuestListens();
    await vm.driver.close();
    const monitor = await QmpClient.connect(join(vm.options.runDirectory, 'qmp.sock'));
    await monitor.execute('stop');
    await monitor.execute('system_powerdown');
    monitor.close();
    const later = vm.another();
    const exits: VmExit[] = [];
    later.onExit((exit) => exits.push(exit));
    await later.start(recordingContext());
    await until('the exit', () => exits.length > 0);
    expect(exits).toEqual([{ reason: 'guest', detail: 'The guest shut itself down.' }]);
  });

  it('says when somebody else ended QEMU by a signal', async () => {
    await using vm = await started();
    const exits = exitsOf(vm);
    await vm.signal('SIGTERM');
    await until('the exit', () => exits.length > 0);
    expect(exits[0]).toMatchObject({ reason: 'died', detail: expect.stringContaining('signal') as string });
    expect(await vm.driver.state(SIGNAL)).toBe('off');
  });

  it('leaves no process of a start that was aborted midway', async () => {
    await using vm = await QemuHarness.create();
    await vm.driver.define(vm.spec, recordingContext());
    const abort = new AbortController();
    const starting = vm.driver.start(recordingContext(abort.signal));
    await until('QEMU', async () => (await vm.pids()).length > 0);
    abort.abort();
    await starting.catch(() => undefined);
    if ((await vm.pids()).length > 0) await vm.driver.powerOff(recordingContext());
    expect(await vm.pids()).toEqual([]);
    expect(await vm.driver.state(SIGNAL)).toBe('off');
  });
});

describe('data disk', () => {
  it.each([
    ['a text file', () => Buffer.from('not a disk at all')],
    ['a raw disk', () => Buffer.alloc(1024 * 1024)],
    ['a cut qcow2 file', (sound: Buffer) => sound.subarray(0, 60)],
    ['a qcow2 file with a spoilt table', (sound: Buffer) => Buffer.from(sound).fill(0xab, 65_536, 131_072)],
  ])('refuses %s and keeps it as it is', async (_what, spoil) => {
    await using vm = await QemuHarness.create();
    await vm.driver.define(vm.spec, recordingContext());
    const { path } = vm.spec.dataDisk;
    const spoilt = spoil(await readFile(path));
    await writeFile(path, spoilt);
    const refusal = { code: 'MOBYVM_DATA_DISK', message: expect.stringContaining(path) as string };
    await expect(vm.driver.define(vm.spec, recordingContext())).rejects.toMatchObject(refusal);
    await expect(vm.driver.start(recordingContext())).rejects.toMatchObject(refusal);
    expect((await readFile(path)).equals(spoilt)).toBe(true);
    expect(await vm.pids()).toEqual([]);
  });

  it('leaves nothing half-made where the disk is full', async () => {
    await using small = await smallFileSystem(64 * 1024);
    await using vm = await QemuHarness.create({
      dataDisk: { path: join(small.path, 'data.qcow2'), sizeGiB: 1 },
    });
    await expect(vm.driver.define(vm.spec, recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_DISK_FULL',
    });
    expect(await readdir(small.path)).toEqual([]);
    expect(await vm.driver.state(SIGNAL)).toBe('absent');
  });

  it('grows under a running machine', async () => {
    await using vm = await started();
    await vm.driver.define(sized(vm.spec, 2), recordingContext());
    expect(await vm.diskGiB()).toBe(2);
    await vm.driver.define(sized(vm.spec, 1), recordingContext());
    expect(await vm.diskGiB()).toBe(2);
    expect(await vm.driver.state(SIGNAL)).toBe('running');
  });
});

describe('start', () => {
  it('says which package brings a missing program', async () => {
    await using vm = await QemuHarness.create(
      {},
      { commandPrefix: [], qemuProgram: 'qemu-system-of-nobody' },
    );
    const missing = {
      code: 'MOBYVM_PROGRAM_MISSING',
      remedy: expect.stringContaining('qemu-system-x86') as string,
    };
    await expect(vm.driver.preflight(SIGNAL)).rejects.toMatchObject(missing);
    await vm.driver.define(vm.spec, recordingContext());
    await expect(vm.driver.start(recordingContext())).rejects.toMatchObject(missing);
    expect(await vm.another({ qemuProgram: 'qemu-system-x86_64' }).preflight(SIGNAL)).toMatchObject({
      qemu: expect.stringMatching(/^\d+\.\d+/) as string,
    });
  });

  it('names the ISO that is missing', async () => {
    await using vm = await QemuHarness.create({ isoPath: '/nonexistent/mobyvm.iso' });
    await vm.driver.define(vm.spec, recordingContext());
    await expect(vm.driver.start(recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_IMAGE_MISSING',
      message: expect.stringContaining('/nonexistent/mobyvm.iso') as string,
    });
  });

  it('gives QEMU’s own reason when it does not start', async () => {
    await using vm = await QemuHarness.create(
      {},
      { forcedAccelerator: 'kvm', qemuProgram: 'qemu-system-x86_64' },
    );
    await vm.driver.define({ ...vm.spec, cpus: 100_000 }, recordingContext());
    const error: unknown = await vm.driver.start(recordingContext()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MobyvmError);
    expect(error).toMatchObject({
      code: 'MOBYVM_VM_START',
      message: expect.stringMatching(/CPU|kvm/i) as string,
    });
    expect(await vm.driver.state(SIGNAL)).toBe('off');
    expect(await stateFiles(vm)).toEqual(['definition.json']);
  });

  it('refuses a run directory that is too long for a socket', async () => {
    await using vm = await QemuHarness.create();
    const deep = vm.another({ runDirectory: join(vm.folder, 'x'.repeat(90)) });
    await deep.define(vm.spec, recordingContext());
    await expect(deep.start(recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_VM_START',
      remedy: expect.stringContaining('shorter') as string,
    });
  });

  it('puts the last console log aside', async () => {
    await using vm = await started();
    await until('a count', async () => (await vm.count()) > 0, 60);
    await vm.driver.powerOff(recordingContext());
    const first = await readFile(vm.options.consoleLogPath);
    await vm.driver.start(recordingContext());
    expect(await readFile(`${vm.options.consoleLogPath}.1`)).toEqual(first);
  });

  it('keeps its folders to root', async () => {
    await using vm = await started();
    for (const folder of [vm.options.stateDirectory, vm.options.runDirectory]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
  });
});

describe('accelerator', () => {
  const options = { qemuProgram: 'qemu-system-x86_64', commandPrefix: [], logger: silentLogger };

  it('is proven by firmware that runs', async () => {
    expect(await tryAccelerator('tcg', options, SIGNAL)).toMatchObject({
      works: true,
      detail: expect.stringContaining('SeaBIOS') as string,
    });
  });

  it('is KVM only where KVM really starts a machine', async () => {
    const trial = await tryAccelerator('kvm', options, SIGNAL);
    expect(await new AcceleratorChoice(options).choose(SIGNAL)).toBe(trial.works ? 'kvm' : 'tcg');
  });

  it('is given up when a machine only seems to start with it, and nobody hears of the trial', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-qemu-'));
    try {
      // A KVM that runs the firmware and then fails, as nested and paravirtual ones do.
      const program = join(folder, 'qemu');
      const script = [
        '#!/bin/sh',
        'case "$*" in',
        '*"-accel kvm"*isa-debugcon*) echo SeaBIOS; exec sleep 60 ;;',
        '*"-accel kvm"*) echo "qemu: error: failed to set MSR" >&2; exit 134 ;;',
        '*) exec qemu-system-x86_64 "$@" ;;',
        'esac',
      ];
      await writeFile(program, `${script.join('\n')}\n`, { mode: 0o755 });
      await using vm = await QemuHarness.create({}, { qemuProgram: program, forcedAccelerator: undefined });
      const exits: VmExit[] = [];
      vm.driver.onExit((exit) => exits.push(exit));
      const context = recordingContext();
      await vm.driver.define(vm.spec, context);
      await vm.driver.start(context);
      expect(context.progressed).toEqual(
        expect.arrayContaining(['starting QEMU with kvm', 'starting QEMU with tcg']),
      );
      expect(vm.driver.features.accelerator).toBe('tcg');
      expect(await vm.driver.state(SIGNAL)).toBe('running');
      expect(exits).toEqual([]);
      // The next start does not try again.
      await vm.driver.powerOff(context);
      const again = recordingContext();
      await vm.driver.start(again);
      expect(again.progressed).not.toContain('starting QEMU with kvm');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('may be forced', async () => {
    const choice = new AcceleratorChoice({ ...options, qemuProgram: '/nonexistent', forced: 'kvm' });
    expect(await choice.choose(SIGNAL)).toBe('kvm');
  });
});

async function started(): Promise<QemuHarness> {
  const vm = await QemuHarness.create();
  await start(vm);
  return vm;
}

async function start(vm: QemuHarness): Promise<void> {
  try {
    await vm.driver.define(vm.spec, recordingContext());
    await vm.driver.start(recordingContext());
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
}

function sized(spec: VmSpec, sizeGiB: number): VmSpec {
  return { ...spec, dataDisk: { ...spec.dataDisk, sizeGiB } };
}

function exitsOf(vm: QemuHarness): readonly VmExit[] {
  const exits: VmExit[] = [];
  vm.driver.onExit((exit) => exits.push(exit));
  return exits;
}

async function stateFiles(vm: QemuHarness): Promise<readonly string[]> {
  return (await readdir(vm.options.stateDirectory)).sort();
}
