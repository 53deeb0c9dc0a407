import { rm, stat } from 'node:fs/promises';
import { killProcess, readFileIfPresent, run, findProcess } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import { planCommandLine, planRestoreCommandLine } from './command-line.plan.js';
import { recordOf } from './find-machine.js';
import { prepareFirmware } from './firmware.js';
import type { Hardware, MachineRecord } from './machine-record.js';
import { withPackage } from './preflight.js';
import { findMachineProcesses, runsMachine } from './machine-process.js';
import { makeFolders, qemuLastWords, removeRunFiles, type QemuSetup } from './qemu-setup.js';
import { checkedSocketPath } from './socket-path.js';

/** Loading the ISO and taking the memory is quick; a host that swaps may need much longer. */
const LAUNCH_TIMEOUT_MS = 60_000;

/**
 * Starts the machine's process in the background, its processors not yet running, and records it. Nothing of it is
 * left when that fails.
 * @throws MobyvmError MOBYVM_VM_START, MOBYVM_IMAGE_MISSING, MOBYVM_PROGRAM_MISSING, MOBYVM_DISK_FULL
 */
export async function launchMachine(
  setup: QemuSetup,
  hardware: Hardware,
  { isRestore, signal }: { readonly isRestore: boolean; readonly signal: AbortSignal },
): Promise<MachineRecord> {
  const { accelerator, machineType, spec } = hardware;
  checkSocketPaths(setup);
  await checkIso(spec.isoPath);
  await removeRunFiles(setup);
  await makeFolders(setup);
  await setup.console.rotate();
  await rm(setup.files.qemuLog, { force: true });
  const firmware = await prepareFirmware(spec.firmware, setup.uefiVariablesPath);
  const plan = isRestore ? planRestoreCommandLine : planCommandLine;
  const args = plan(spec, { accelerator, machineType, firmware, files: setup.files });
  try {
    await startQemu(setup, args, hardware, signal);
    const record = await recordStarted(setup, hardware);
    await setup.record.write(record);
    setup.logger.info('vm.process.started', { pid: record.pid, accelerator, machineId: spec.machineId });
    return record;
  } catch (error) {
    for (const sight of await findMachineProcesses(spec.machineId)) await killProcess(sight);
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
    throw await notStarted(setup, hardware, error);
  }
}

async function recordStarted(setup: QemuSetup, hardware: Hardware): Promise<MachineRecord> {
  const { machineId } = hardware.spec;
  const pid = Number((await readFileIfPresent(setup.files.pidFile))?.trim());
  const sight = Number.isSafeInteger(pid) && pid > 0 ? await findProcess(pid) : undefined;
  if (sight === undefined || !runsMachine(sight, machineId))
    throw await notStarted(setup, hardware, undefined);
  return recordOf(sight, setup.files.qmpSocket, { machineId, hardware });
}

async function notStarted(
  setup: QemuSetup,
  hardware: Hardware,
  cause: MobyvmError | undefined,
): Promise<MobyvmError> {
  // Its error output went to its log: see the command line.
  const words = (await qemuLastWords(setup)) || String(cause?.details['stderr'] ?? '').trim();
  const reason = words === '' && cause !== undefined ? textOf(cause) : words;
  return new MobyvmError(
    'MOBYVM_VM_START',
    `QEMU could not start the virtual machine: ${reason || 'it ended without a word'}`,
    remedyFor(reason, hardware) ??
      `See ${setup.files.qemuLog}, mend what it names, then run the command again.`,
    { cause },
  );
}

/** QEMU's words, and what they mean here. */
function remedyFor(reason: string, { accelerator, spec }: Hardware): string | undefined {
  if (/Cannot allocate memory|cannot set up guest memory/.test(reason))
    return `The host cannot give ${spec.memoryMiB} MiB now: free some memory, or lower \`vm.memoryMiB\`.`;
  if (accelerator === 'kvm' && /kvm/i.test(reason))
    return 'Set `vm.accelerator` to `auto` or `tcg`, unless you can make /dev/kvm work on this host.';
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
      'Build or download the guest image, then run the command again.',
      { cause: error, details: { path } },
    );
  }
}
