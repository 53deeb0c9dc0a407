import { cmdlet, type PowerShell, type Row } from '../../powershell/index.js';
import {
  findMachine,
  machine,
  MACHINE_FIELDS,
  machineOf,
  readById,
  type FoundMachine,
} from './find-machine.js';
import type { FirmwareFound, HardwareFound } from './hardware.plan.js';
import { orHypervError } from './hyperv-error.js';
import type { HypervSetup } from './hyperv-setup.js';

/**
 * Everything that Hyper-V's machine object says, drives, adapters and services included: one call instead of
 * one for each. What is a list per property has the same order in all of them.
 */
const HARDWARE_FIELDS = {
  ...MACHINE_FIELDS,
  ProcessorCount: 'number',
  MemoryStartup: 'number',
  DynamicMemoryEnabled: 'boolean',
  CheckpointType: 'text',
  AutomaticCheckpointsEnabled: 'boolean',
  AutomaticStartAction: 'text',
  AutomaticStopAction: 'text',
  'HardDrives.Path': 'texts',
  'DVDDrives.Path': 'texts',
  'DVDDrives.ControllerNumber': 'numbers',
  'DVDDrives.ControllerLocation': 'numbers',
  'ComPort1.Path': 'text',
  'NetworkAdapters.Id': 'texts',
  'NetworkAdapters.MacAddress': 'texts',
  'NetworkAdapters.DynamicMacAddressEnabled': 'texts',
  'NetworkAdapters.SwitchName': 'texts',
  'VMIntegrationService.Id': 'texts',
  'VMIntegrationService.Enabled': 'texts',
} as const;

const FIRMWARE_FIELDS = {
  SecureBoot: 'text',
  'BootOrder.BootType': 'texts',
  'BootOrder.Device.Path': 'texts',
} as const;

/** Our machine with its hardware, read at the same time. */
export interface MachineReading extends FoundMachine {
  readonly hardware: HardwareFound;
}

/** One call when the machine's GUID is known. @throws MobyvmError MOBYVM_HYPERV */
export async function readMachine(
  setup: HypervSetup,
  signal: AbortSignal,
): Promise<MachineReading | undefined> {
  const recorded = (await setup.identity.read().catch(() => undefined))?.vmId;
  const known = recorded === undefined ? undefined : await readKnown(setup, recorded, signal);
  if (known !== undefined) return known;
  const found = await findMachine(setup, signal);
  if (found === undefined) return undefined;
  const reading = await readKnown(setup, found.id, signal);
  return reading && { ...reading, isWhole: found.isWhole };
}

async function readKnown(
  { powerShell }: HypervSetup,
  id: string,
  signal: AbortSignal,
): Promise<MachineReading | undefined> {
  const row = await readById(powerShell, id, HARDWARE_FIELDS, signal);
  return row && { ...machineOf(row, id, true), hardware: hardwareOf(row) };
}

/** Only machines of generation 2 have one. @throws MobyvmError MOBYVM_HYPERV */
export async function readFirmware(
  powerShell: PowerShell,
  { id, generation }: Pick<FoundMachine, 'id' | 'generation'>,
  signal: AbortSignal,
): Promise<FirmwareFound | undefined> {
  if (generation === 1) return undefined;
  const query = { pipeline: [machine(id), cmdlet('Get-VMFirmware')], fields: FIRMWARE_FIELDS } as const;
  const [row] = await orHypervError("The virtual machine's firmware could not be read", () =>
    powerShell.read(query, { signal }),
  );
  return {
    secureBoot: row?.SecureBoot,
    bootTypes: row?.['BootOrder.BootType'] ?? [],
    bootPaths: row?.['BootOrder.Device.Path'] ?? [],
  };
}

function hardwareOf(row: Row<typeof HARDWARE_FIELDS>): HardwareFound {
  const numbers = row['DVDDrives.ControllerNumber'];
  const paths = row['DVDDrives.Path'];
  const locations = row['DVDDrives.ControllerLocation'];
  const macs = row['NetworkAdapters.MacAddress'];
  const dynamic = row['NetworkAdapters.DynamicMacAddressEnabled'];
  const switches = row['NetworkAdapters.SwitchName'];
  const enabled = row['VMIntegrationService.Enabled'];
  return {
    cpus: row.ProcessorCount,
    memoryBytes: row.MemoryStartup,
    hasDynamicMemory: row.DynamicMemoryEnabled,
    checkpointType: row.CheckpointType,
    hasAutomaticCheckpoints: row.AutomaticCheckpointsEnabled,
    startAction: row.AutomaticStartAction,
    stopAction: row.AutomaticStopAction,
    notes: row.Notes,
    generation: row.Generation === 2 ? 2 : 1,
    diskPaths: row['HardDrives.Path'],
    dvds: numbers.map((controllerNumber, index) => ({
      path: paths[index] === '' ? undefined : paths[index],
      controllerNumber,
      controllerLocation: locations[index],
    })),
    consolePath: row['ComPort1.Path'],
    adapters: row['NetworkAdapters.Id'].map((id, index) => ({
      id,
      mac: macs[index],
      hasDynamicMac: isTrue(dynamic[index]),
      switchName: switches[index] === '' ? undefined : switches[index],
    })),
    services: row['VMIntegrationService.Id'].map((id, index) => ({
      id,
      isEnabled: isTrue(enabled[index]) === true,
    })),
  };
}

/** As PowerShell writes a truth value as text. */
function isTrue(text: string | undefined): boolean | undefined {
  return text === undefined || text === '' ? undefined : text.toLowerCase() === 'true';
}
