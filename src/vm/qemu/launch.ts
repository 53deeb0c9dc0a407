import { rm, stat } from 'node:fs/promises';
import { killProcess, readFileIfPresent, run, findProcess } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import { planCommandLine, planRestoreCommandLine } from './command-line.plan.js';
import { recordOf } from './find-machine.js';
import { prepareFirmware } from './firmware.js';
import type { Hardware, MachineRecord } from './machine-record.js';
import { withPackage } from './preflight.js';
import { findMachineProcesses, runsMachine } from './machine-process.js';
import { foldersOf, makeFolders, lastQemuMessage, removeRunFiles, type QemuSetup } from './qemu-setup.js';
import { checkedSocketPath } from './socket-path.js';

/** Loading the ISO and allocating the memory is quick; a host that swaps may need much longer. */
const LAUNCH_TIMEOUT_MS = 60_000;

/**
 * Starts the machine's process in the background with its processors stopped, and records it. Cleans up after
 * a failure.
 * @throws MobyvmError MOBYVM_VM_START, MOBYVM_IMAGE_MISSING, MOBYVM_PROGRAM_MISSING, MOBYVM_DISK_FULL
 */
export async function launchMachine(
  setup: QemuSetup,
  hardware: Hardware,
  { isRestore, signal }: { readonly isRestore: boolean; readonly signal: AbortSignal },
): Promise<MachineRecord> {
  const { spec, ...choices } = hardware;
  checkSocketPaths(setup);
  await checkIso(spec.isoPath);
  await removeRunFiles(setup);
  await makeFolders(setup);
  await setup.console.rotate();
  await rm(setup.files.qemuLog, { force: true });
  const firmware = await prepareFirmware(spec.firmware, setup.uefiVariablesPath);
  const plan = isRestore ? planRestoreCommandLine : planCommandLine;
  const args = plan(spec, { ...choices, firmware, files: setup.files });
  try {
    await startQemu(setup, args, hardware, signal);
    const record = await recordStarted(setup, hardware);
    await setup.record.write(record);
    setup.logger.info('vm.process.started', {
      ...{ pid: record.pid, accelerator: choices.accelerator, machineId: spec.machineId },
    });
    return record;
  } catch (error) {
    for (const found of await findMachineProcesses(spec.machineId, foldersOf(setup)))
      await killProcess(found);
    await removeRunFiles(setup);
    throw error;
  }
}

async function startQemu(
  setup: QemuSetup,
  args: readonly string[],
  hardware: Hardware,
  signal: AbortSignal,
): Promise<void> {
  const [program = '', ...all] = [...setup.commandPrefix, setup.qemuProgram, ...args];
  try {
    await run(program, all, { signal, timeoutMs: LAUNCH_TIMEOUT_MS });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MobyvmError)) throw error;
    if (error.code === 'MOBYVM_PROGRAM_MISSING') throw withPackage(error, program, 'qemu-system-x86');
    throw await launchError(setup, hardware, error);
  }
}

async function recordStarted(setup: QemuSetup, hardware: Hardware): Promise<MachineRecord> {
  const { machineId } = hardware.spec;
  const pid = Number((await readFileIfPresent(setup.files.pidFile))?.trim());
  const found = Number.isSafeInteger(pid) && pid > 0 ? await findProcess(pid) : undefined;
  if (found === undefined || !runsMachine(found, machineId))
    throw await launchError(setup, hardware, undefined);
  return recordOf(found, setup.files.qmpSocket, { machineId, hardware });
}

async function launchError(
  setup: QemuSetup,
  hardware: Hardware,
  cause: MobyvmError | undefined,
): Promise<MobyvmError> {
  // Its error output went to its log file: see the command line.
  const words = (await lastQemuMessage(setup)) || String(cause?.details['stderr'] ?? '').trim();
  const reason = words === '' && cause !== undefined ? textOf(cause) : words;
  return new MobyvmError(
    'MOBYVM_VM_START',
    `QEMU could not start the virtual machine: ${reason || 'it exited without an error message'}`,
    remedyFor(reason, hardware) ?? `See ${setup.files.qemuLog}, fix the problem and retry.`,
    { cause },
  );
}

/** Maps QEMU's error to a remedy. */
function remedyFor(reason: string, { accelerator, spec }: Hardware): string | undefined {
  if (/Cannot allocate memory|cannot set up guest memory/.test(reason))
    return `The host has less than ${spec.memoryMiB} MiB of free memory: free some, or lower \`vm.memoryMiB\`.`;
  if (accelerator === 'kvm' && /kvm/i.test(reason))
    return 'Set `vm.accelerator` to `auto` or `tcg`, or make /dev/kvm work on this host.';
  return undefined;
}

function checkSocketPaths(setup: QemuSetup): void {
  const { consoleSocket, kvpSocket, qmpSocket } = setup.files;
  for (const path of [qmpSocket, consoleSocket, kvpSocket, setup.memorySocket]) checkedSocketPath(path);
}

async function checkIso(path: string): Promise<void> {
  try {
    await stat(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new MobyvmError(
      'MOBYVM_IMAGE_MISSING',
      `The boot ISO ${path} does not exist.`,
      'Build or download the guest image, then retry.',
      { cause: error, details: { path } },
    );
  }
}
