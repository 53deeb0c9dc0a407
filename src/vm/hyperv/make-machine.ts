import { rm } from 'node:fs/promises';
import { makeFolder, type EnsureContext } from '../../core/host/index.js';
import { cmdlet, guid } from '../../powershell/index.js';
import type { VmSpec } from '../driver.js';
import { findMachine, machine, MACHINE_FIELDS, machineOf, type FoundMachine } from './find-machine.js';
import {
  generationOf,
  hasDataDisk,
  isOfCheckpoint,
  machineSettings,
  planHardware,
  refuseCheckpoints,
} from './hardware.plan.js';
import { orHypervError, withoutEffectError } from './hyperv-error.js';
import type { HypervSetup } from './hyperv-setup.js';
import { turnOff } from './machine-calls.js';
import { readFirmware, readMachine, type MachineReading } from './read-hardware.js';
import { isLive } from './vm-state.plan.js';

const MIB = 1024 ** 2;
const MAKE_SECONDS = 120;
const SETTING_ROUNDS = 2;

/**
 * Creates the machine, or gives it the wanted hardware; it must be off. One of another generation, or one
 * that an interrupted creation has left behind, is recreated: everything that matters is on the data disk.
 * @param present the machine as it was just read
 * @throws MobyvmError MOBYVM_HYPERV
 */
export async function ensureMachine(
  setup: HypervSetup,
  spec: VmSpec,
  present: MachineReading | undefined,
  context: EnsureContext,
): Promise<FoundMachine> {
  const { powerShell } = setup;
  const { signal } = context;
  let found: FoundMachine | undefined = present;
  let reading = present;
  if (found !== undefined && (found.generation !== generationOf(spec) || !found.isWhole)) {
    await removeMachine(setup, signal);
    found = undefined;
  }
  if (found === undefined) {
    found = await createMachine(setup, spec, context);
    reading = undefined;
  }
  // A setting can reveal another one: the new drive's place in the boot order.
  for (let round = 1; ; round += 1) {
    const { tag, consolePipe } = setup;
    reading ??= await readMachine(setup, signal);
    if (reading?.id !== found.id) throw withoutEffectError('The virtual machine was not created');
    const firmware = await readFirmware(powerShell, found, signal);
    const hardware = { ...reading.hardware, firmware };
    const changes = planHardware(machine(found.id), hardware, { spec, tag, consolePipe });
    const [left] = changes;
    if (left === undefined) return found;
    if (round > SETTING_ROUNDS)
      throw withoutEffectError(`The virtual machine's ${left.field} could not be set`);
    for (const { field, pipeline } of changes) {
      context.progress(`setting ${field}`);
      await orHypervError(`The virtual machine's ${field} could not be set`, () =>
        powerShell.run(pipeline, { signal, timeoutSeconds: MAKE_SECONDS }),
      );
    }
    reading = undefined;
  }
}

/**
 * Checks the disks before anything about disk or machine is changed.
 * @returns whether the disk may be changed: not while the machine runs behind a checkpoint, as during a
 * backup
 * @throws MobyvmError MOBYVM_DATA_DISK
 */
export function checkDisks(found: MachineReading | undefined, { dataDisk }: VmSpec): boolean {
  if (found === undefined) return true;
  const { diskPaths } = found.hardware;
  if (isLive(found.state) && diskPaths.some(isOfCheckpoint)) return false;
  hasDataDisk(diskPaths, dataDisk.path);
  return true;
}

async function createMachine(
  setup: HypervSetup,
  spec: VmSpec,
  { signal, onFailure, progress }: EnsureContext,
): Promise<FoundMachine> {
  const { powerShell, folder, tag } = setup;
  progress('creating the virtual machine');
  await makeFolder(folder);
  await setup.ledger.add(setup.entry);
  // A call that fails may have created it all the same: it is recognised by its folder.
  onFailure(() => removeMachine(setup, new AbortController().signal));
  const make = cmdlet('New-VM', {
    Name: spec.name,
    Generation: generationOf(spec) === 2 ? '2' : '1',
    NoVHD: true,
    Path: folder,
    MemoryStartupBytes: spec.memoryMiB * MIB,
    SwitchName: spec.network.attachment,
  });
  const query = { pipeline: [make, machineSettings(spec, tag)], fields: MACHINE_FIELDS } as const;
  const [row] = await orHypervError('The virtual machine was not created', () =>
    powerShell.read(query, { signal, timeoutSeconds: MAKE_SECONDS }),
  );
  const made =
    row?.Id === undefined ? await findMachine(setup, signal) : machineOf(row, guid(row.Id).guid, true);
  if (made === undefined) throw withoutEffectError('The virtual machine was not created');
  await setup.identity.write({ format: 1, vmId: made.id });
  return { ...made, isWhole: true };
}

/**
 * Before the machine is powered off.
 * @throws MobyvmError MOBYVM_DATA_DISK for one with a checkpoint (see {@link removeMachine})
 */
export async function checkRemoval(
  { powerShell }: HypervSetup,
  { id }: FoundMachine,
  signal: AbortSignal,
): Promise<void> {
  const query = {
    pipeline: [machine(id), cmdlet('Get-VMHardDiskDrive')],
    fields: { Path: 'text' },
  } as const;
  const rows = await orHypervError("The virtual machine's disks could not be read", () =>
    powerShell.read(query, { signal }),
  );
  refuseCheckpoints(rows.map(({ Path }) => Path ?? ''));
}

/**
 * Removes our machine in any state, and all of them if there are several; success when there is none. The
 * data disk is kept.
 * @throws MobyvmError MOBYVM_HYPERV; MOBYVM_DATA_DISK for one with a checkpoint: Hyper-V would merge it into
 * the disk after the machine is gone, while others already use that disk
 */
export async function removeMachine(setup: HypervSetup, signal: AbortSignal): Promise<void> {
  const { powerShell, folder } = setup;
  let found = await findMachine(setup, signal);
  while (found !== undefined) {
    const { id } = found;
    await checkRemoval(setup, found, signal);
    // A saved state is removed with its machine, even one that cannot be discarded.
    if (isLive(found.state)) await turnOff(setup, found, signal);
    await orHypervError('The virtual machine was not removed', () =>
      powerShell.run([machine(id), cmdlet('Remove-VM', { Force: true })], {
        signal,
        timeoutSeconds: MAKE_SECONDS,
      }),
    );
    found = await findMachine(setup, signal);
    if (found?.id === id) throw withoutEffectError('The virtual machine was not removed');
  }
  await setup.identity.remove();
  // Hyper-V's service releases the files a moment after the machine is gone.
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  await setup.ledger.delete(setup.entry);
}
