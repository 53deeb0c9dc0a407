import { MobyvmError } from '../../core/values/index.js';
import { cmdlet, type CmdletCall, type Pipeline } from '../../powershell/index.js';
import type { VmSpec } from '../driver.js';

/** The hardware of a Hyper-V machine, as far as we set it. */
export interface HardwareFound {
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly hasDynamicMemory: boolean | undefined;
  readonly checkpointType: string | undefined;
  readonly hasAutomaticCheckpoints: boolean | undefined;
  readonly startAction: string | undefined;
  readonly stopAction: string | undefined;
  readonly notes: string | undefined;
  readonly generation: 1 | 2;
  readonly diskPaths: readonly string[];
  readonly dvds: readonly DvdFound[];
  readonly consolePath: string | undefined;
  readonly adapters: readonly AdapterFound[];
  readonly services: readonly { readonly id: string; readonly isEnabled: boolean }[];
}

/** Of a machine of generation 2. */
export interface FirmwareFound {
  readonly secureBoot: string | undefined;
  /** The boot entries in their order: `Drive`, `Network`, `File`. */
  readonly bootTypes: readonly string[];
  /** The files of the drives among the boot entries, in the same order. */
  readonly bootPaths: readonly string[];
}

export interface DvdFound {
  readonly path: string | undefined;
  readonly controllerNumber: number | undefined;
  readonly controllerLocation: number | undefined;
}

export interface AdapterFound {
  readonly id: string;
  readonly mac: string | undefined;
  readonly hasDynamicMac: boolean | undefined;
  readonly switchName: string | undefined;
}

export interface HardwareWanted {
  readonly spec: VmSpec;
  readonly tag: string;
  /** `\\.\pipe\…` */
  readonly consolePipe: string;
}

/** One thing to set, and the call that sets it. */
export interface HardwareChange {
  readonly field: string;
  readonly pipeline: Pipeline;
}

/** GUIDs of the integration services: their names are in the language of the host. */
export const INTEGRATION_SERVICES = {
  timeSynchronization: '2497f4de-e9fa-4204-80e4-4b75c46419c0',
  heartbeat: '84eaae65-2f2e-45f5-9bb5-0e857dc8eb47',
  keyValueExchange: '2a34b1c2-fd73-4043-8a5b-dd2159bc743f',
  shutdown: '9f8233ac-be49-4c79-8ee3-e7e1985b2077',
  guestServiceInterface: '6c09bb55-d683-4da0-8931-c9bf705f6480',
} as const;

/** mobyvm does not use `Copy-VMFile`. */
const OFF_SERVICES: readonly string[] = [INTEGRATION_SERVICES.guestServiceInterface];
const CONSOLE_PORT = 1;
const MIB = 1024 ** 2;

/**
 * What must be set to give the machine its wanted hardware. DVD drives, adapters and notes that were
 * added by hand are kept; another disk is refused (see {@link hasDataDisk}), and the generation cannot be changed
 * (see {@link generationOf}).
 * @param vm the machine as the first stage of a pipeline
 */
export function planHardware(
  vm: CmdletCall,
  found: HardwareFound & { readonly firmware: FirmwareFound | undefined },
  wanted: HardwareWanted,
): readonly HardwareChange[] {
  return [
    ...planMachine(vm, found, wanted),
    ...planDrives(vm, found, wanted.spec),
    ...planFirmware(vm, found, wanted.spec),
    ...planConsole(vm, found, wanted),
    ...planAdapter(vm, found, wanted.spec),
    ...planServices(vm, found),
  ];
}

export function generationOf(spec: VmSpec): 1 | 2 {
  return spec.firmware === 'uefi' ? 2 : 1;
}

function planMachine(
  vm: CmdletCall,
  found: HardwareFound,
  { spec, tag }: HardwareWanted,
): readonly HardwareChange[] {
  const wrong = [
    ...(found.cpus === spec.cpus ? [] : ['processors']),
    ...(found.memoryBytes === spec.memoryMiB * MIB && found.hasDynamicMemory === false ? [] : ['memory']),
    ...(found.checkpointType === 'Disabled' && found.hasAutomaticCheckpoints !== true ? [] : ['checkpoints']),
    ...(found.startAction === 'Nothing' && found.stopAction === 'ShutDown'
      ? []
      : ['automatic start and stop']),
    ...(hasTag(found.notes, tag) ? [] : ['notes']),
  ];
  if (wrong.length === 0) return [];
  const { notes = '' } = found;
  const settings = machineSettings(spec, hasTag(notes, tag) ? notes : `${notes}\n${tag}`.trim());
  return [{ field: wrong.join(', '), pipeline: [vm, settings] }];
}

/** Everything that `Set-VM` sets, for a machine that comes by the pipeline. */
export function machineSettings(spec: VmSpec, notes: string): CmdletCall & { readonly cmdlet: 'Set-VM' } {
  return cmdlet('Set-VM', {
    ProcessorCount: spec.cpus,
    StaticMemory: true,
    MemoryStartupBytes: spec.memoryMiB * MIB,
    AutomaticCheckpointsEnabled: false,
    CheckpointType: 'Disabled',
    // mobyvm starts it, and the guest is asked to shut down when Windows does.
    AutomaticStartAction: 'Nothing',
    AutomaticStopAction: 'ShutDown',
    Notes: notes,
    Passthru: true,
  });
}

function planDrives(vm: CmdletCall, found: HardwareFound, spec: VmSpec): readonly HardwareChange[] {
  const { path } = spec.dataDisk;
  // SCSI in both generations: the disk can grow while the machine runs.
  const attach = cmdlet('Add-VMHardDiskDrive', { ControllerType: 'SCSI', Path: path });
  const dvd = dvdFor(found, spec);
  return [
    ...(hasDataDisk(found.diskPaths, path) ? [] : [{ field: 'data disk', pipeline: [vm, attach] as const }]),
    ...(samePath(dvd?.path, spec.isoPath) ? [] : [dvdChange(vm, dvd, spec.isoPath)]),
  ];
}

/**
 * Secure Boot off, as the image is not signed, and our drive first: otherwise the machine waits for a network
 * boot server.
 */
function planFirmware(
  vm: CmdletCall,
  found: HardwareFound & { readonly firmware: FirmwareFound | undefined },
  spec: VmSpec,
): readonly HardwareChange[] {
  const { firmware, dvds } = found;
  if (firmware === undefined) return [];
  const dvd = dvdFor(found, spec);
  const isOff = firmware.secureBoot?.toLowerCase() === 'off';
  if (isOff && dvd !== undefined && !bootsElse(firmware, spec)) return [];
  // Which of several drives is the new one is only known once it exists.
  const isDriveKnown = dvd !== undefined || dvds.length === 0;
  const first = cmdlet('Get-VMDvdDrive', { VM: vm, ...placeOf(dvd) });
  const settings = isDriveKnown
    ? cmdlet('Set-VMFirmware', { EnableSecureBoot: 'Off', FirstBootDevice: first })
    : cmdlet('Set-VMFirmware', { EnableSecureBoot: 'Off' });
  return [{ field: 'firmware', pipeline: [vm, settings] }];
}

/** The drive with our image, or one that may take it. */
function dvdFor({ dvds }: HardwareFound, { isoPath }: VmSpec): DvdFound | undefined {
  return (
    dvds.find((each) => samePath(each.path, isoPath)) ??
    dvds.find(({ path: medium = '' }) => medium === '' || nameOf(medium) === nameOf(isoPath))
  );
}

/**
 * True when the data disk is the machine's only disk; false when it has none. Another disk is never detached:
 * behind a checkpoint the disk has another path, and that file holds what was written since.
 * @throws MobyvmError MOBYVM_DATA_DISK
 */
export function hasDataDisk(diskPaths: readonly string[], path: string): boolean {
  const other = diskPaths.find((each) => !samePath(each, path));
  if (other === undefined && diskPaths.length < 2) return diskPaths.length === 1;
  refuseCheckpoints(diskPaths);
  throw new MobyvmError(
    'MOBYVM_DATA_DISK',
    `The virtual machine has the disk ${other ?? path}; it should have only ${path}.`,
    'Nothing was changed. Detach that disk in Hyper-V Manager if nothing on it is needed here, then run the command again.',
  );
}

/** A checkpoint created this disk. */
export function isOfCheckpoint(diskPath: string): boolean {
  return /\.avhdx?$/i.test(diskPath);
}

/** @throws MobyvmError MOBYVM_DATA_DISK when a checkpoint created one of the disks */
export function refuseCheckpoints(diskPaths: readonly string[]): void {
  const checkpoint = diskPaths.find(isOfCheckpoint);
  if (checkpoint === undefined) return;
  throw new MobyvmError(
    'MOBYVM_DATA_DISK',
    `The virtual machine has a checkpoint: its disk is now ${checkpoint}.`,
    'A running backup creates one: wait until it has finished. Otherwise delete the checkpoint in Hyper-V Manager (this keeps the current data) or apply it, wait until the disk is merged, then run the command again.',
  );
}

/** Generation 1 has a drive from the start, generation 2 has none. */
function dvdChange(vm: CmdletCall, dvd: DvdFound | undefined, isoPath: string): HardwareChange {
  return {
    field: 'boot ISO',
    pipeline:
      dvd === undefined
        ? [vm, cmdlet('Add-VMDvdDrive', { Path: isoPath })]
        : [vm, cmdlet('Get-VMDvdDrive', placeOf(dvd)), cmdlet('Set-VMDvdDrive', { Path: isoPath })],
  };
}

function placeOf(dvd: DvdFound | undefined): { ControllerNumber?: number; ControllerLocation?: number } {
  if (dvd?.controllerNumber === undefined || dvd.controllerLocation === undefined) return {};
  return { ControllerNumber: dvd.controllerNumber, ControllerLocation: dvd.controllerLocation };
}

/**
 * Only what surely comes before our image counts: what Windows does not report is no reason to set it again
 * at each start.
 */
function bootsElse({ bootTypes, bootPaths }: FirmwareFound, { isoPath }: VmSpec): boolean {
  const [firstType = ''] = bootTypes;
  const isIsoLater = bootPaths.slice(1).some((each) => samePath(each, isoPath));
  return ['Network', 'File'].includes(firstType) || (isIsoLater && !samePath(bootPaths[0], isoPath));
}

function planConsole(
  vm: CmdletCall,
  found: HardwareFound,
  { consolePipe }: HardwareWanted,
): readonly HardwareChange[] {
  if (found.consolePath?.toLowerCase() === consolePipe.toLowerCase()) return [];
  const port = cmdlet('Set-VMComPort', { Number: CONSOLE_PORT, Path: consolePipe });
  return [{ field: 'console', pipeline: [vm, port] }];
}

function planAdapter(vm: CmdletCall, found: HardwareFound, { network }: VmSpec): readonly HardwareChange[] {
  const mac = network.mac.replaceAll(':', '').toUpperCase();
  const { adapters } = found;
  const isMac = (each: AdapterFound): boolean => each.mac?.toUpperCase() === mac;
  const isThere = (each: AdapterFound): boolean =>
    each.switchName?.toLowerCase() === network.attachment.toLowerCase();
  const adapter = adapters.find(isMac) ?? adapters.find(isThere);
  if (adapter === undefined) {
    const add = cmdlet('Add-VMNetworkAdapter', { SwitchName: network.attachment, StaticMacAddress: mac });
    return [{ field: 'network adapter', pipeline: [vm, add] }];
  }
  const ours = [vm, cmdlet('Get-VMNetworkAdapter'), { where: 'Id', equals: adapter.id }] as const;
  return [
    ...(isMac(adapter) && adapter.hasDynamicMac === false
      ? []
      : [
          {
            field: 'MAC address',
            pipeline: [...ours, cmdlet('Set-VMNetworkAdapter', { StaticMacAddress: mac })] as const,
          },
        ]),
    ...(isThere(adapter)
      ? []
      : [
          {
            field: 'switch',
            pipeline: [
              ...ours,
              cmdlet('Connect-VMNetworkAdapter', { SwitchName: network.attachment }),
            ] as const,
          },
        ]),
  ];
}

function planServices(vm: CmdletCall, { services }: HardwareFound): readonly HardwareChange[] {
  const wanted = new Map(
    Object.entries(INTEGRATION_SERVICES).map(([name, id]) => [
      id as string,
      { name, on: !OFF_SERVICES.includes(id) },
    ]),
  );
  return services.flatMap(({ id, isEnabled }) => {
    // An id is `Microsoft:<machine>\<service>`.
    const service = wanted.get(id.slice(id.lastIndexOf('\\') + 1).toLowerCase());
    if (service === undefined || service.on === isEnabled) return [];
    const set = service.on ? cmdlet('Enable-VMIntegrationService') : cmdlet('Disable-VMIntegrationService');
    const pipeline = [vm, cmdlet('Get-VMIntegrationService'), { where: 'Id', equals: id }, set] as const;
    return [{ field: `integration service ${service.name}`, pipeline }];
  });
}

function hasTag(notes: string | undefined, tag: string): boolean {
  return notes?.split(/\s/).includes(tag) === true;
}

/** The file name: by it, mobyvm's image is recognised in another folder. */
function nameOf(path: string): string | undefined {
  return path.split(/[\\/]/).at(-1)?.toLowerCase();
}

function samePath(one: string | undefined, other: string): boolean {
  return one?.replaceAll('/', '\\').toLowerCase() === other.replaceAll('/', '\\').toLowerCase();
}
