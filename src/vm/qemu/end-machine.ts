import type { Logger, StepContext } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { parseBootStage } from '../console/index.js';
import type { VmConsole } from '../driver.js';
import type { QemuMachine } from './qemu-machine.js';

/** A guest that is still booting ignores the button, so it is pressed again. */
const PRESS_EVERY_SECONDS = 4;
const QUIT_SECONDS = 5;
const KILL_SECONDS = 10;

export interface EndOptions {
  readonly console: VmConsole;
  readonly logger: Logger;
}

/**
 * Presses the ACPI power button until the guest has shut down.
 * @returns false if it has not shut down in that time, or does not react to the button
 */
export async function shutDownGuest(
  machine: QemuMachine,
  gracefulSeconds: number,
  context: StepContext,
  { console, logger }: EndOptions,
): Promise<boolean> {
  const deadline = performance.now() + gracefulSeconds * 1000;
  const guest = { isShuttingDown: false };
  const unsubscribe = console.onLine((line) => {
    if (parseBootStage(line)?.stage === 'shutdown') guest.isShuttingDown = true;
  });
  try {
    for (;;) {
      if (!guest.isShuttingDown && !(await pressPowerButton(machine, context.signal, logger))) {
        // It may have ended between two presses; then it is not deaf.
        return await machine.endsWithin(1, context.signal);
      }
      const remainingSeconds = (deadline - performance.now()) / 1000;
      if (remainingSeconds <= 0) return false;
      if (await machine.endsWithin(Math.min(PRESS_EVERY_SECONDS, remainingSeconds), context.signal))
        return true;
    }
  } finally {
    unsubscribe();
  }
}

/**
 * Ends the process: first by QMP, so that it writes out what it holds, then by SIGKILL.
 * @throws MobyvmError MOBYVM_VM_STOP when even that does not end it
 */
export async function endProcess(
  machine: QemuMachine,
  signal: AbortSignal,
  { logger }: Pick<EndOptions, 'logger'>,
): Promise<void> {
  try {
    const client = await machine.qmp();
    await client.execute('quit', {}, { signal, timeoutMs: QUIT_SECONDS * 1000 });
    if (await machine.endsWithin(QUIT_SECONDS, signal)) return;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MobyvmError)) throw error;
    // No answer, or the connection closed because it obeyed at once.
    if (await machine.endsWithin(0.3, signal)) return;
    logger.warn('vm.process.killed', { pid: machine.record.pid, error: error.message });
  }
  await machine.kill();
  if (await machine.endsWithin(KILL_SECONDS, signal)) return;
  throw new MobyvmError(
    'MOBYVM_VM_STOP',
    `QEMU (pid ${machine.record.pid}) does not end, not even by SIGKILL.`,
    'It hangs in the kernel, most often on a disk that does not answer. Look at `dmesg`; a reboot of the host ends it.',
    { details: { pid: machine.record.pid } },
  );
}

/** False when QEMU does not take the command, or the machine is not running and cannot react to it. */
async function pressPowerButton(machine: QemuMachine, signal: AbortSignal, logger: Logger): Promise<boolean> {
  try {
    const state = await machine.runState(signal);
    if (state !== 'running') return false;
    await (await machine.qmp()).execute('system_powerdown', {}, { signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MobyvmError)) throw error;
    logger.warn('vm.powerbutton.failed', { error: error.message });
    return false;
  }
}
