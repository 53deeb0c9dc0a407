import { MobyvmError, textOf } from '../core/values/index.js';

/** @param cause what the system refused, when it was the system that found out */
export function notRoot(cause?: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_NOT_ROOT',
    cause === undefined
      ? 'Only root can create the VM and its network.'
      : `Only root may do this (${textOf(cause)}).`,
    'Run the command as root, for example with sudo.',
    { cause },
  );
}
