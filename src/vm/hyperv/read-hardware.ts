import { cmdlet, type Fields, type PowerShell, type Row } from '../../powershell/index.js';
import { machine, type FoundMachine } from './find-machine.js';
import type { HardwareFound } from './hardware.plan.js';
import { orHypervFailure } from './hyperv-failure.js';

const MACHINE_FIELDS = {
  ProcessorCount: 'number',
  MemoryStartup: 'number',
  DynamicMemoryEnabled: 'boolean',
  CheckpointType: 'text',
  AutomaticCheckpointsEnabled: 'boolean',
  AutomaticStartAction: 'text',
  AutomaticStopAction: 'text',
  Notes: 'text',
} as const;

const FIRMWARE_FIELDS = {
  SecureBoot: 'text',
  'BootOrder.BootType': 'texts',
  'BootOrder.Device.Path': 'texts',
} as const;

/** Gathers what the machine consists of; changes nothing. @throws MobyvmError MOBYVM_HYPERV */
export function readHardware(
  powerShell: PowerShell,
  found: Pick<FoundMachine, 'id' | 'generation'>,
  signal: AbortSignal,
): Promise<HardwareFound> {
  return orHypervFailure("The virtual machine's hardware could not be read", () =>
    gather(powerShell, found, signal),
  );
}

async function gather(
  powerShell: PowerShell,
  { id, generation }: Pick<FoundMachine, 'id' | 'generation'>,
  signal: AbortSignal,
): Promise<HardwareFound> {
  const vm = machine(id);
  const rows = <F extends Fields>(part: ReturnType<typeof cmdlet>, fields: F): Promise<readonly Row<F>[]> =>
    powerShell.read({ pipeline: [vm, part], fields }, { signal });
  const [settings] = await powerShell.read({ pipeline: [vm], fields: MACHINE_FIELDS }, { signal });
  const disks = await rows(cmdlet('Get-VMHardDiskDrive'), { Path: 'text' });
  const dvds = await rows(cmdlet('Get-VMDvdDrive'), {
    ...({ Path: 'text', ControllerNumber: 'number', ControllerLocation: 'number' } as const),
  });
  const [firmware] = generation === 2 ? await rows(cmdlet('Get-VMFirmware'), FIRMWARE_FIELDS) : [undefined];
  const [port] = await rows(cmdlet('Get-VMComPort', { Number: 1 }), { Path: 'text' });
  const adapters = await rows(cmdlet('Get-VMNetworkAdapter'), {
    Id: 'text',
    MacAddress: 'text',
    DynamicMacAddressEnabled: 'boolean',
    SwitchName: 'text',
  });
  const services = await rows(cmdlet('Get-VMIntegrationService'), { Id: 'text', Enabled: 'boolean' });
  return {
    cpus: settings?.ProcessorCount,
    memoryBytes: settings?.MemoryStartup,
    hasDynamicMemory: settings?.DynamicMemoryEnabled,
    checkpointType: settings?.CheckpointType,
    hasAutomaticCheckpoints: settings?.AutomaticCheckpointsEnabled,
    startAction: settings?.AutomaticStartAction,
    stopAction: settings?.AutomaticStopAction,
    notes: settings?.Notes,
    generation,
    diskPaths: disks.map(({ Path }) => Path ?? ''),
    dvds: dvds.map((each) => ({
      path: each.Path,
      controllerNumber: each.ControllerNumber,
      controllerLocation: each.ControllerLocation,
    })),
    secureBoot: firmware?.SecureBoot,
    boot: {
      types: firmware?.['BootOrder.BootType'] ?? [],
      paths: firmware?.['BootOrder.Device.Path'] ?? [],
    },
    consolePath: port?.Path,
    adapters: adapters.map((each) => ({
      id: each.Id ?? '',
      mac: each.MacAddress,
      hasDynamicMac: each.DynamicMacAddressEnabled,
      switchName: each.SwitchName,
    })),
    services: services.map(({ Id, Enabled }) => ({ id: Id ?? '', isEnabled: Enabled === true })),
  };
}
