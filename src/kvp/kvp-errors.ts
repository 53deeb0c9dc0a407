import { MobyvmError } from '../core/values/index.js';

/** An item, or a number of them, that KVP cannot carry. */
export function limitError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_KVP_LIMIT', message, remedy);
}

/** Nobody in the guest takes part in the exchange (yet). */
export function notReadyError(message: string, cause?: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_KVP_NOT_READY', message, NOT_READY_HINT, { cause });
}

/** No guest is running, so waiting does not help. */
export function notRunningError(message: string, cause?: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_KVP_NOT_READY', message, 'Start it with `mobyvm up`.', { cause });
}

export const NOT_READY_HINT =
  'Wait until the virtual machine has booted (`mobyvm status`). If it has, check `mobyvm console` for hv_kvp_daemon.';

/** The exchange was refused, not answered or not understood. Messages name items, never their values. */
export function failedError(message: string, cause?: unknown): MobyvmError {
  return new MobyvmError('MOBYVM_KVP_FAILED', message, FAILED_HINT, { cause });
}

const FAILED_HINT = 'Try again. If that does not help, restart the VM with `mobyvm restart`.';
