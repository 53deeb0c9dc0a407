import { timeLimit, type Logger } from '../../core/host/index.js';
import { isTimeout, MobyvmError, reportOf, textOf, type ErrorReport } from '../../core/values/index.js';
import type { VmDriver, VmSpec, VmState } from '../../vm/index.js';
import type { BootWatch } from './boot-watch.js';
import type { HostSide } from '../host-side/host-side.js';
import type { NetworkDescription, VmDescription } from './machine-status.js';
import { crashed, engineLost } from './machine-messages.js';

const LOOK_TIMEOUT_MS = 3_000;

export type ObservedVm = Omit<VmDescription, 'driver' | 'machineId'> & { readonly error?: ErrorReport };

/** What the driver sees; when it cannot look, that is the answer and not a failure of the question. */
export async function observeVm(
  { driver, boot }: { readonly driver: VmDriver; readonly boot: BootWatch },
  /** What a start would give it. */
  wanted: VmSpec,
): Promise<ObservedVm> {
  try {
    const state = await driver.state(timeLimit(LOOK_TIMEOUT_MS));
    const { accelerator, processors } = driver.features;
    const { cpus, memoryMiB, firmware } = (isUp(state) ? await driver.runningSpec() : wanted) ?? {};
    return {
      state,
      ...(accelerator === undefined ? {} : { accelerator }),
      ...(boot.stage === undefined || !isUp(state)
        ? {}
        : { stage: `${boot.stage.stage}: ${boot.stage.text}` }),
      cpus: processors ?? cpus,
      memoryMiB,
      firmware,
    };
  } catch (error) {
    return { state: 'unknown', error: reportOf(isTimeout(error) ? silent() : error) };
  }
}

function silent(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_STATE',
    `The VM did not answer within ${LOOK_TIMEOUT_MS / 1_000} s: this host is very busy, or something has stopped its process.`,
    'Run `mobyvm status` again. If it stays so, `mobyvm down` powers the VM off.',
  );
}

/** True when there is a VM's process, or may be one. */
export function isUp(state: string): boolean {
  return !['absent', 'off', 'saved'].includes(state);
}

/** Addresses of a start that failed are meaningless. */
export function describedNetwork(host: HostSide, isThere: boolean): NetworkDescription {
  const all = host.describe();
  if (isThere) return all;
  const { name, namespace } = all;
  return { name, ...(namespace === undefined ? {} : { namespace }) };
}

/** A definition that cannot be read says nothing about a machine that does not run: there is nothing to stop. */
export async function stateToStop(driver: VmDriver, signal: AbortSignal): Promise<VmState> {
  try {
    return await driver.state(signal);
  } catch (error) {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_STATE_FILE') return 'absent';
    throw error;
  }
}

/** Resumes a stalled machine once there is enough space; returns the error if there still is not. */
export async function resumeIfStalled({
  driver,
  logger,
}: {
  readonly driver: VmDriver;
  readonly logger: Logger;
}): Promise<MobyvmError | undefined> {
  const signal = timeLimit(LOOK_TIMEOUT_MS);
  try {
    if ((await driver.state(signal)) !== 'stalled') return undefined;
    await driver.resume(signal);
    logger.info('vm.stall.over');
  } catch (error) {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_DISK_FULL') return error;
    logger.debug('vm.look.failed', { reason: textOf(error) });
  }
  return undefined;
}

/** True when a VM is running or stalled. @throws MobyvmError MOBYVM_VM_DIED when it has crashed */
export async function isRunningNow(driver: VmDriver, signal: AbortSignal): Promise<boolean> {
  const state = await driver.state(signal);
  if (state === 'crashed') throw crashed(driver.features.accelerator);
  return ['running', 'stalled'].includes(state);
}

/** Why the engine of a running machine does not answer: the machine itself may have crashed. */
export async function whyEngineIsLost({ driver }: { readonly driver: VmDriver }): Promise<MobyvmError> {
  try {
    const state = await driver.state(timeLimit(LOOK_TIMEOUT_MS));
    return state === 'crashed' ? crashed(driver.features.accelerator) : engineLost();
  } catch {
    return engineLost();
  }
}
