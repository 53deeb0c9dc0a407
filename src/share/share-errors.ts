import { MobyvmError } from '../core/values/index.js';
import { shareCommand } from './share-command.plan.js';

/** A command about a share that cannot be carried out as given. */
export function shareError(message: string, remedy: string): MobyvmError {
  return new MobyvmError('MOBYVM_SHARE', message, remedy);
}

/** The VM did not do its part. @param message a sentence */
export function guestShareError(message: string, cause?: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_GUEST',
    message,
    'Check `mobyvm status` and `mobyvm console`, then try again.',
    cause === undefined ? {} : { cause },
  );
}

/** @param id of the share whose account has no usable password */
export function credentialsError(id: string, message: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_CREDENTIALS',
    message,
    `Enter the password: ${shareCommand('set-credentials', id)}`,
  );
}
