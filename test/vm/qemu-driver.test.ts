import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/core/host/index.js';
import { MobyvmError } from '../../src/core/values/index.js';
import type { VmExit, VmSpec } from '../../src/vm/index.js';
import { AcceleratorChoice } from '../../src/vm/qemu/accelerator.js';
import { tryAccelerator } from '../../src/vm/qemu/accelerator-trial.js';
import { TRIAL_MESSAGE } from '../../src/vm/qemu/trial-firmware.plan.js';
import { DEFAULT_MACHINE_TYPE, EMULATED_CPU } from '../../src/vm/qemu/command-line.plan.js';
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
  test('continues where it stopped, from a file that is deleted afterwards', async () => {
    await using vm = await started();
    await until('some counts', async () => (await vm.count()) >= 15, 60);
    await vm.driver.save(recordingContext());
    const saved = await vm.count();
    await vm.driver.restore(recordingContext());
    await until('the next count', async () => (await vm.count()) > 0, 60);
    expect(await vm.count()).toBeGreaterThan(saved);
    expect(await stateFiles(vm)).toEqual(['definition.json', 'machine.json']);
  });

  test('is not saved when the disk fills up, and the guest keeps running', async () => {
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

  test('is not saved at all if the disk has too little space', async () => {
    await using vm = await QemuHarness.create({}, { freeBytes: () => Promise.resolve(100 * 1024 ** 2) });
    await start(vm);
    const context = recordingContext();
    await expect(vm.driver.save(context)).rejects.toMatchObject({
      code: 'MOBYVM_DISK_FULL',
      message: expect.stringContaining('only 100 MiB are free') as string,
    });
    expect(context.progressed).toEqual([]);
    expect(await vm.driver.state(SIGNAL)).toBe('running');
  });

  test('is not saved when the save is aborted, and the guest keeps running', async () => {
    await using vm = await started();
    const abort = new AbortController();
    const context = { ...recordingContext(abort.signal), progress: () => abort.abort() };
    await expect(vm.driver.save(context)).rejects.toMatchObject({ name: 'AbortError' });
    expect(await vm.driver.state(SIGNAL)).toBe('running');
    expect(await stateFiles(vm)).toEqual(['definition.json', 'machine.json']);
    await vm.driver.save(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('saved');
  });

  test('is kept when it cannot be restored, and no process is left behind', async () => {
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
    // One bit of the guest's memory, which QEMU would load.
    const flipped = Buffer.from(sound);
    flipped.writeUInt8(sound.readUInt8(sound.length >> 1) ^ 1, sound.length >> 1);
    await writeFile(memory, flipped);
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject({
      ...failure,
      message: expect.stringContaining('content') as string,
    });
    expect(await vm.pids()).toEqual([]);
    await truncate(memory, 1_000);
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject(failure);
    await writeFile(memory, sound);
    await vm.driver.restore(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('running');
  });

  test('is not restored with another boot ISO', async () => {
    await using vm = await started();
    await vm.driver.save(recordingContext());
    await utimes(vm.spec.isoPath, new Date(), new Date(1));
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_VM_RESTORE',
      message: expect.stringContaining('boot ISO') as string,
    });
    expect(await vm.driver.state(SIGNAL)).toBe('saved');
  });

  test('is not restored over a data disk that has changed, nor by another version of QEMU', async () => {
    await using vm = await started();
    await vm.driver.save(recordingContext());
    const { path } = vm.spec.dataDisk;
    const { atime, mtime } = await stat(path);
    await utimes(path, atime, new Date(1));
    const refusal = (words: string): object => ({
      code: 'MOBYVM_VM_RESTORE',
      message: expect.stringContaining(words) as string,
    });
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject(refusal('data disk'));
    await utimes(path, atime, mtime);
    const description = join(vm.options.stateDirectory, 'saved.json');
    const saved = JSON.parse(await readFile(description, 'utf8')) as object;
    await writeFile(description, JSON.stringify({ ...saved, dataDisk: undefined, qemuVersion: '6.0.0' }));
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject(refusal('by QEMU 6.0.0'));
  });

  test('whose description is damaged is saved, cannot be restored, and can be discarded', async () => {
    await using vm = await started();
    await vm.driver.save(recordingContext());
    await writeFile(join(vm.options.stateDirectory, 'saved.json'), '{"torn');
    expect(await vm.driver.state(SIGNAL)).toBe('saved');
    await expect(vm.driver.start(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_STATE' });
    await expect(vm.driver.restore(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_RESTORE' });
    await vm.driver.powerOff(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('off');
    expect(await stateFiles(vm)).toEqual(['definition.json']);
  });

  test('of which a dead daemon has written a part is deleted at the next start', async () => {
    await using vm = await started();
    await vm.driver.powerOff(recordingContext());
    await writeFile(join(vm.options.stateDirectory, 'memory.saved.partial'), 'part');
    await vm.driver.start(recordingContext());
    expect(await stateFiles(vm)).toEqual(['definition.json', 'machine.json']);
  });

  test('is loaded again after a dead daemon left a restore half-done', async () => {
    await using vm = await started();
    await vm.driver.save(recordingContext());
    const hardware = {
      ...{ spec: vm.spec, accelerator: 'tcg' as const, machineType: DEFAULT_MACHINE_TYPE, cpu: EMULATED_CPU },
    };
    await launchMachine(qemuSetup(vm.options), hardware, { isRestore: true, signal: SIGNAL });
    const [abandoned] = await vm.pids();
    await vm.driver.restore(recordingContext());
    expect(await vm.driver.state(SIGNAL)).toBe('running');
    expect(await vm.pids()).toHaveLength(1);
    expect(await vm.pids()).not.toEqual([abandoned]);
  });
});

describe('adoption', () => {
  test('finds a machine whose record is lost and can still save it', async () => {
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

  test('does not save a machine if it does not know how it was started', async () => {
    await using vm = await started();
    await vm.driver.define({ ...vm.spec, memoryMiB: 96 }, recordingContext());
    await vm.driver.close();
    await writeFile(join(vm.options.stateDirectory, 'machine.json'), '{"torn');
    const later = vm.another();
    expect(await later.state(SIGNAL)).toBe('running');
    await expect(later.save(recordingContext())).rejects.toMatchObject({ code: 'MOBYVM_VM_SAVE' });
    expect(await later.state(SIGNAL)).toBe('running');
  });

  test('does not mistake another process for the machine', async () => {
    await using vm = await started();
    await vm.driver.powerOff(recordingContext());
    const record = {
      format: 1,
      machineId: vm.spec.machineId,
      pid: process.pid,
      startId: '1',
      qmpSocket: '/x',
    };
    await writeFile(join(vm.options.stateDirectory, 'machine.json'), JSON.stringify(record));
    expect(await vm.driver.state(SIGNAL)).toBe('off');
  });

  test('resumes a machine that a dead daemon left paused', async () => {
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

describe('stop', () => {
  test('presses the power button again for a guest that was not ready yet', async () => {
    await using vm = await started();
    const context = recordingContext();
    await vm.driver.stop({ gracefulSeconds: 60 }, context);
    expect(context.progressed).not.toContain('powering off');
    expect(await vm.count()).toBeGreaterThanOrEqual(10);
  });

  test('reports that the guest shut itself down', async () => {
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

  test('reports that another process ended QEMU with a signal', async () => {
    await using vm = await started();
    const exits = exitsOf(vm);
    await vm.signal('SIGTERM');
    await until('the exit', () => exits.length > 0);
    expect(exits[0]).toMatchObject({ reason: 'died', detail: expect.stringContaining('signal') as string });
    expect(await vm.driver.state(SIGNAL)).toBe('off');
  });

  test('leaves no process behind when a start is aborted midway', async () => {
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
  test.each([
    ['a text file', () => Buffer.from('not a disk at all')],
    ['a raw disk', () => Buffer.alloc(1024 * 1024)],
    ['a truncated qcow2 file', (sound: Buffer) => sound.subarray(0, 60)],
    ['a qcow2 file with a corrupt table', (sound: Buffer) => Buffer.from(sound).fill(0xab, 65_536, 131_072)],
  ])('rejects %s and leaves it unchanged', async (_what, spoil) => {
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

  test('leaves nothing half-written on a full disk', async () => {
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

  test('grows while the machine runs', async () => {
    await using vm = await started();
    await vm.driver.define(sized(vm.spec, 2), recordingContext());
    expect(await vm.diskGiB()).toBe(2);
    await vm.driver.define(sized(vm.spec, 1), recordingContext());
    expect(await vm.diskGiB()).toBe(2);
    expect(await vm.driver.state(SIGNAL)).toBe('running');
  });
});

describe('start', () => {
  test('names the package that provides a missing program', async () => {
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

  test('names a missing ISO', async () => {
    await using vm = await QemuHarness.create({ isoPath: '/nonexistent/mobyvm.iso' });
    await vm.driver.define(vm.spec, recordingContext());
    await expect(vm.driver.start(recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_IMAGE_MISSING',
      message: expect.stringContaining('/nonexistent/mobyvm.iso') as string,
    });
  });

  test('reports QEMU’s own error when it does not start', async () => {
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

  test('rejects a run directory that is too long for a socket', async () => {
    await using vm = await QemuHarness.create();
    const deep = vm.another({ runDirectory: join(vm.folder, 'x'.repeat(90)) });
    await deep.define(vm.spec, recordingContext());
    await expect(deep.start(recordingContext())).rejects.toMatchObject({
      code: 'MOBYVM_VM_START',
      remedy: expect.stringContaining('shorter') as string,
    });
  });

  test('moves the last console log aside', async () => {
    await using vm = await started();
    await until('a count', async () => (await vm.count()) > 0, 60);
    await vm.driver.powerOff(recordingContext());
    const first = await readFile(vm.options.consoleLogPath);
    await vm.driver.start(recordingContext());
    expect(await readFile(`${vm.options.consoleLogPath}.1`)).toEqual(first);
  });

  test('keeps its folders accessible to root only', async () => {
    await using vm = await started();
    for (const folder of [vm.options.stateDirectory, vm.options.runDirectory]) {
      expect((await stat(folder)).mode & 0o777).toBe(0o700);
    }
  });
});

describe('accelerator', () => {
  const options = { qemuProgram: 'qemu-system-x86_64', commandPrefix: [], logger: silentLogger };

  test('is proven by firmware that runs', async () => {
    expect(await tryAccelerator('tcg', options, SIGNAL)).toEqual({ works: true, detail: TRIAL_MESSAGE });
  });

  test.each([
    [
      'stops at an instruction',
      'echo "KVM internal error. Suberror: 1" >&2; exec sleep 60',
      'KVM internal error',
    ],
    ['exits', 'echo "failed to initialize kvm" >&2; exit 1', 'failed to initialize kvm'],
    ['ends quietly', 'exit 0', 'QEMU exited before the firmware ran'],
  ])('is refused at once if QEMU %s', async (_name, script, detail) => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-qemu-'));
    try {
      const qemuProgram = join(folder, 'qemu');
      await writeFile(qemuProgram, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const trial = await tryAccelerator('kvm', { ...options, qemuProgram }, SIGNAL);
      expect(trial).toEqual({ works: false, detail: expect.stringContaining(detail) as string });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('is KVM only if KVM really starts a machine', async () => {
    const trial = await tryAccelerator('kvm', options, SIGNAL);
    expect(await new AcceleratorChoice(options).choose(SIGNAL)).toBe(trial.works ? 'kvm' : 'tcg');
  });

  test('is given up if the guest does not boot with it, and the trial is not reported as an exit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-qemu-'));
    try {
      // A KVM that runs the firmware and then fails, as nested and paravirtualised ones do.
      const program = join(folder, 'qemu');
      const script = [
        '#!/bin/sh',
        'case "$*" in',
        `*"-accel kvm"*isa-debugcon*) echo "${TRIAL_MESSAGE}"; exec sleep 60 ;;`,
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
      // The next start does not test it again.
      await vm.driver.powerOff(context);
      const again = recordingContext();
      await vm.driver.start(again);
      expect(again.progressed).not.toContain('starting QEMU with kvm');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('can be forced', async () => {
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
