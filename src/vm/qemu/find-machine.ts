import type { VmSpec } from '../driver.js';
import { type ProcessInfo, findProcess } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import {
  FIRST_EMULATED_CPU,
  planCommandLine,
  type Accelerator,
  type MachineFiles,
} from './command-line.plan.js';
import type { Hardware, MachineRecord } from './machine-record.js';
import { findMachineProcesses, runsMachine } from './machine-process.js';
import { foldersOf, type QemuSetup } from './qemu-setup.js';

/**
 * Finds the running process of a machine: the recorded one if it still is that process, otherwise any QEMU
 * running with the machine's id on its files, as the record may be lost. Undefined if there is none.
 */
export async function findRunningMachine(
  setup: QemuSetup,
  spec: VmSpec | undefined,
): Promise<MachineRecord | undefined> {
  const record = await readRecord(setup);
  const recorded = record === undefined ? undefined : await findProcess(record.pid);
  if (
    record !== undefined &&
    recorded?.startId === record.startId &&
    runsMachine(recorded, record.machineId)
  ) {
    return record;
  }
  const machineId = spec?.machineId ?? setup.machineId;
  if (machineId === undefined) return undefined;
  const [found] = await findMachineProcesses(machineId, foldersOf(setup));
  if (found === undefined) return undefined;
  const rebuilt =
    spec === undefined
      ? recordOf(found, setup.files.qmpSocket, { machineId })
      : rebuildRecord(found, spec, setup.files);
  setup.logger.warn('vm.record.rebuilt', { pid: found.pid, isHardwareKnown: rebuilt.hardware !== undefined });
  await setup.record.write(rebuilt);
  return rebuilt;
}

export function recordOf(
  { pid, startId }: ProcessInfo,
  qmpSocket: string,
  { hardware, machineId }: { readonly machineId: string; readonly hardware?: Hardware | undefined },
): MachineRecord {
  return { format: 1, machineId, pid, startId, qmpSocket, hardware };
}

/**
 * The hardware is known only if the process has exactly the arguments that the definition would produce now;
 * a wrong guess would break a later restore.
 */
function rebuildRecord(found: ProcessInfo, spec: VmSpec, files: MachineFiles): MachineRecord {
  const accelerator: Accelerator = argument(found.args, '-accel')?.startsWith('kvm') === true ? 'kvm' : 'tcg';
  const machineType = argument(found.args, '-machine') ?? '';
  const firmware = found.args.find((arg) => arg.startsWith('if=pflash,unit=0'));
  const model = argument(found.args, '-cpu');
  const cpu = accelerator === 'kvm' || model === FIRST_EMULATED_CPU ? undefined : model;
  const hardware: Hardware = { spec, accelerator, machineType, cpu };
  const isKnown =
    (firmware !== undefined) === (spec.firmware === 'uefi') &&
    isSameMachine(found.args, planCommandLine(spec, { ...hardware, firmware: { kind: 'bios' }, files }));
  return recordOf(found, files.qmpSocket, {
    machineId: spec.machineId,
    hardware: isKnown ? hardware : undefined,
  });
}

/** Compares everything but the firmware drives and how the machine was started. */
function isSameMachine(args: readonly string[], planned: readonly string[]): boolean {
  const running = args
    .slice(1)
    .filter((arg, at, all) => !arg.startsWith('if=pflash,') && !(all[at + 1] ?? '').startsWith('if=pflash,'));
  const incoming = running.indexOf('-incoming');
  const comparable = incoming < 0 ? running : running.toSpliced(incoming, 2);
  return comparable.length === planned.length && comparable.every((arg, at) => arg === planned[at]);
}

function argument(args: readonly string[], name: string): string | undefined {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args[at + 1];
}

/** An unreadable record is treated as lost: the process is found by its id. */
async function readRecord(setup: QemuSetup): Promise<MachineRecord | undefined> {
  try {
    return await setup.record.read();
  } catch (error) {
    setup.logger.warn('vm.record.unreadable', { error: textOf(error) });
    return undefined;
  }
}
