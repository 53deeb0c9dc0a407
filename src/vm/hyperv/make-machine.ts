import { rm } from 'node:fs/promises';
import { makeFolder, type EnsureContext } from '../../core/host/index.js';
import { cmdlet } from '../../powershell/index.js';
import type { VmSpec } from '../driver.js';
import { findMachine, machine, type FoundMachine } from './find-machine.js';
import {
  generationOf,
  hasDataDisk,
  isOfCheckpoint,
  planHardware,
  refuseCheckpoints,
} from './hardware.plan.js';
import { orHypervFailure, withoutEffect } from './hyperv-failure.js';
import type { HypervSetup } from './hyperv-setup.js';
import { turnOff } from './machine-calls.js';
import { readHardware } from './read-hardware.js';
import { isLive } from './vm-state.plan.js';

const MIB = 1024 ** 2;
const MAKE_SECONDS = 120;
const SETTING_ROUNDS = 2;

/**
 * The machine as it is wanted; it must be off. One of another generation, or one that was left half made, is made anew: all that it
 * holds is on the data disk.
 * @throws MobyvmError MOBYVM_HYPERV
 */
export async function ensureMachine(
  setup: HypervSetup,
  spec: VmSpec,
  context: EnsureContext,
): Promise<FoundMachine> {
  const { powerShell } = setup;
  const { signal } = context;
  let found = await findMachine(powerShell, setup, signal);
  if (found !== undefined && (found.generation !== generationOf(spec) || !found.isWhole)) {
    await removeMachine(setup, signal);
    found = undefined;
  }
  found ??= await createMachine(setup, spec, context);
  // What is set can bring to light what else is to be set: the place of a new drive in the boot order.
  for (let round = 1; ; round += 1) {
    const { tag, consolePipe } = setup;
    const hardware = await readHardware(powerShell, found, signal);
    const changes = planHardware(machine(found.id), hardware, { spec, tag, consolePipe });
    const [left] = changes;
    if (left === undefined) return found;
    if (round > SETTING_ROUNDS) throw withoutEffect(`The virtual machine's ${left.field} could not be set`);
    for (const { field, pipeline } of changes) {
      context.progress(`setting ${field}`);
      await orHypervFailure(`The virtual machine's ${field} could not be set`, () =>
        powerShell.run(pipeline, { signal, timeoutSeconds: MAKE_SECONDS }),
      );
    }
  }
}

/**
 * Before anything of the disk or the machine is touched.
 * @returns whether the disk may be changed: not while the machine runs behind a checkpoint, which a backup makes and takes away
 * @throws MobyvmError MOBYVM_DATA_DISK
 */
export async function checkDisks(
  setup: HypervSetup,
  found: FoundMachine | undefined,
  { dataDisk }: VmSpec,
  signal: AbortSignal,
): Promise<boolean> {
  if (found === undefined) return true;
  const paths = await diskPathsOf(setup, found, signal);
  if (isLive(found.state) && paths.some(isOfCheckpoint)) return false;
  hasDataDisk(paths, dataDisk.path);
  return true;
}

async function diskPathsOf(
  { powerShell }: HypervSetup,
  found: FoundMachine,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const query = {
    pipeline: [machine(found.id), cmdlet('Get-VMHardDiskDrive')],
    fields: { Path: 'text' },
  } as const;
  const rows = await orHypervFailure("The virtual machine's disks could not be read", () =>
    powerShell.read(query, { signal }),
  );
  return rows.map(({ Path }) => Path ?? '');
}

async function createMachine(
  setup: HypervSetup,
  spec: VmSpec,
  { signal, onFailure, progress }: EnsureContext,
): Promise<FoundMachine> {
  const { powerShell, folder, tag } = setup;
  progress('creating the virtual machine');
  await makeFolder(folder);
  // A call that fails may have made it all the same: it is recognised by its folder.
  onFailure(() => removeMachine(setup, new AbortController().signal));
  const make = cmdlet('New-VM', {
    ...{ Name: spec.name, Generation: generationOf(spec) === 2 ? '2' : '1', NoVHD: true, Path: folder },
    ...{ MemoryStartupBytes: spec.memoryMiB * MIB, SwitchName: spec.network.attachment },
  });
  await orHypervFailure('The virtual machine was not created', () =>
    powerShell.run([make, cmdlet('Set-VM', { Notes: tag })], { signal, timeoutSeconds: MAKE_SECONDS }),
  );
  const made = await findMachine(powerShell, setup, signal);
  if (made === undefined) throw withoutEffect('The virtual machine was not created');
  await setup.identity.write({ format: 1, vmId: made.id });
  return { ...made, isWhole: true };
}

/** Before it is powered off. @throws MobyvmError MOBYVM_DATA_DISK for one with a checkpoint (see {@link removeMachine}) */
export async function checkRemoval(
  setup: HypervSetup,
  found: FoundMachine,
  signal: AbortSignal,
): Promise<void> {
  refuseCheckpoints(await diskPathsOf(setup, found, signal));
}

/**
 * Ours alone, in whatever state, and all of them if there are several; success when there is none. The data disk stays.
 * @throws MobyvmError MOBYVM_HYPERV; MOBYVM_DATA_DISK for one with a checkpoint, which Hyper-V would merge into the disk after the
 * machine is gone, while others take the disk for free
 */
export async function removeMachine(setup: HypervSetup, signal: AbortSignal): Promise<void> {
  const { powerShell, folder } = setup;
  for (;;) {
    const found = await findMachine(powerShell, setup, signal);
    if (found === undefined) break;
    await checkRemoval(setup, found, signal);
    // With a saved state it may be removed, also when that cannot be discarded.
    if (isLive(found.state)) await turnOff(setup, found, signal);
    await orHypervFailure('The virtual machine was not removed', () =>
      powerShell.run([machine(found.id), cmdlet('Remove-VM', { Force: true })], {
        signal,
        timeoutSeconds: MAKE_SECONDS,
      }),
    );
    if ((await findMachine(powerShell, setup, signal))?.id === found.id)
      throw withoutEffect('The virtual machine was not removed');
  }
  await setup.identity.remove();
  // Hyper-V's service lets go of the files a moment after the machine is gone.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
