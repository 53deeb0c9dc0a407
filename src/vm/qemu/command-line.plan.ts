import type { VmSpec } from '../driver.js';

export type Accelerator = 'kvm' | 'tcg';

/**
 * What the driver chose or found out before it starts QEMU; everything else follows from the specification.
 */
export interface MachineChoices {
  readonly accelerator: Accelerator;
  /** `q35`, or for a restore the exact version that the memory was saved with, for example `pc-q35-7.2`. */
  readonly machineType: string;
  /** The model of an emulated processor, of which the machine has one. Undefined if it was started before there was a choice. */
  readonly cpu?: string | undefined;
  readonly firmware: Firmware;
  readonly files: MachineFiles;
}

export type Firmware =
  /** SeaBIOS, which is part of QEMU. */
  | { readonly kind: 'bios' }
  /** OVMF: the code is shared and read-only, the variables are the machine's own copy. */
  | { readonly kind: 'uefi'; readonly codePath: string; readonly variablesPath: string };

/** Absolute paths, because QEMU changes its working directory when it daemonizes. */
export interface MachineFiles {
  readonly qmpSocket: string;
  readonly consoleSocket: string;
  readonly consoleLog: string;
  readonly kvpSocket: string;
  readonly pidFile: string;
  /** QEMU's own output, also after it has daemonized. */
  readonly qemuLog: string;
}

/** The data disk's serial number. The guest formats only the blank disk with this serial. */
export const DATA_DISK_SERIAL = 'mobyvm-data';

/** The data disk's block node name in QEMU. */
export const DATA_DISK_NODE = 'data';

/** The virtio-serial port for the guest's key-value exchange. */
export const KVP_PORT_NAME = 'org.mobyvm.kvp';

/** The OEM string (SMBIOS type 11) that tells the guest to wait for its configuration. */
const AWAITS_CONFIGURATION = 'mobyvm.config=kvp';

/** QEMU's machine type unless a saved one must be matched. */
export const DEFAULT_MACHINE_TYPE = 'q35';

/**
 * Everything that QEMU can emulate, for images that are built for recent processors, but:
 *
 * - `cx16`: TCG's cmpxchg16b leaves stale flags behind, which makes the guest kernel panic (QEMU 7.2);
 * - `erms`: the kernel and Go clear and copy with `rep stosb` and `rep movsb` then, which TCG does byte by byte;
 * - `smap`, `smep`, `pku` and `umip`: each copy to or from a program changes the processor's mode, for a guard inside a VM
 *   that is a guard itself.
 *
 * Together with one processor instead of two, `docker run` takes 27 % less of the host's processor: docs/performance.md.
 */
export const EMULATED_CPU = 'max,-cx16,-erms,-smap,-smep,-pku,-umip';

/** Of machines that run or are saved since before the above; with as many processors as their settings say. */
export const FIRST_EMULATED_CPU = 'max,-cx16';

/**
 * QEMU's arguments (https://www.qemu.org/docs/master/system/invocation.html). The processors stay stopped
 * until QMP's `cont` (or `migrate-incoming`), so that nothing runs before the driver is watching.
 */
export function planCommandLine(spec: VmSpec, choices: MachineChoices): readonly string[] {
  return [
    ...identity(spec),
    ...board(spec, choices),
    ...firmware(choices.firmware),
    ...disks(spec),
    ...network(spec),
    ...serialPorts(choices.files),
    ...control(choices.files),
    '-S',
  ];
}

/** The same machine, waiting for its saved memory. */
export function planRestoreCommandLine(spec: VmSpec, choices: MachineChoices): readonly string[] {
  return [...planCommandLine(spec, choices), '-incoming', 'defer'];
}

/** QEMU splits option values at commas; a doubled comma is a literal one. */
export function escapeComma(value: string): string {
  return value.replaceAll(',', ',,');
}

function identity(spec: VmSpec): string[] {
  return [
    ...['-name', `guest=${escapeComma(spec.name)}`, '-uuid', spec.machineId],
    ...(spec.awaitsConfiguration ? ['-smbios', `type=11,value=${AWAITS_CONFIGURATION}`] : []),
  ];
}

function board(spec: VmSpec, { accelerator, machineType, cpu }: MachineChoices): string[] {
  return [
    ...['-machine', machineType],
    // Not `thread=multi`: before QEMU 8.1 a processor may keep a translation of code that another one has
    // just patched. The guest kernel patches itself when the first container starts, and panics over it
    // ("Oops: int3", 1 boot in 4).
    ...(accelerator === 'kvm' ? ['-accel', 'kvm'] : ['-accel', 'tcg,thread=single']),
    ...['-cpu', accelerator === 'kvm' ? 'host' : (cpu ?? FIRST_EMULATED_CPU)],
    // On one thread, more processors only take each other's time: 7 % of it for a second one.
    ...['-smp', `cpus=${cpu === undefined ? spec.cpus : 1}`],
    ...['-m', `size=${spec.memoryMiB}M`],
    ...['-nodefaults', '-display', 'none', '-no-reboot'],
    // The guest sets its clock from the RTC after a restore, so the RTC must follow the host's clock.
    ...['-rtc', 'base=utc,clock=host'],
    ...['-boot', 'strict=on'],
    ...['-object', 'rng-random,id=rng,filename=/dev/urandom', '-device', 'virtio-rng-pci,rng=rng'],
  ];
}

function firmware(chosen: Firmware): string[] {
  if (chosen.kind === 'bios') return [];
  return [
    '-drive',
    `if=pflash,unit=0,format=raw,readonly=on,file=${escapeComma(chosen.codePath)}`,
    '-drive',
    `if=pflash,unit=1,format=raw,file=${escapeComma(chosen.variablesPath)}`,
  ];
}

function disks(spec: VmSpec): string[] {
  const iso = escapeComma(spec.isoPath);
  const data = escapeComma(spec.dataDisk.path);
  return [
    ...['-device', 'virtio-scsi-pci,id=scsi'],
    // Image formats are named, never probed: a guest must not be able to turn its disk into another format.
    ...['-blockdev', `driver=raw,node-name=iso,read-only=on,file.driver=file,file.filename=${iso}`],
    ...['-device', 'scsi-cd,bus=scsi.0,drive=iso,bootindex=0'],
    ...[
      '-blockdev',
      `driver=qcow2,node-name=${DATA_DISK_NODE},discard=unmap,detect-zeroes=unmap,` +
        `cache.direct=off,cache.no-flush=off,file.driver=file,file.filename=${data}`,
    ],
    ...['-device', `virtio-blk-pci,drive=${DATA_DISK_NODE},serial=${DATA_DISK_SERIAL},write-cache=on`],
  ];
}

function network(spec: VmSpec): string[] {
  const { attachment, mac } = spec.network;
  return [
    ...['-netdev', `tap,id=net,ifname=${escapeComma(attachment)},script=no,downscript=no`],
    // Without a boot ROM the firmware does not try to boot from the network first.
    ...['-device', `virtio-net-pci,netdev=net,mac=${mac},romfile=`],
  ];
}

function serialPorts(files: MachineFiles): string[] {
  const consoleSocket = escapeComma(files.consoleSocket);
  return [
    ...[
      '-chardev',
      `socket,id=console,path=${consoleSocket},server=on,wait=off,` +
        `logfile=${escapeComma(files.consoleLog)},logappend=on`,
    ],
    ...['-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-pci,id=ports'],
    ...['-chardev', `socket,id=kvp,path=${escapeComma(files.kvpSocket)},server=on,wait=off`],
    ...['-device', `virtserialport,bus=ports.0,chardev=kvp,name=${KVP_PORT_NAME}`],
  ];
}

function control(files: MachineFiles): string[] {
  return [
    ...['-chardev', `socket,id=qmp,path=${escapeComma(files.qmpSocket)},server=on,wait=off`],
    ...['-mon', 'chardev=qmp,mode=control'],
    // When daemonized, QEMU keeps its standard error only if it logs something; `page` never logs anything
    // here. A percent sign would make QEMU expand the file name as a pattern, so in that case there is no
    // log.
    ...(files.qemuLog.includes('%') ? [] : ['-d', 'page', '-D', files.qemuLog]),
    ...['-daemonize', '-pidfile', files.pidFile],
  ];
}
