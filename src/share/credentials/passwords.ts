import { randomBytes } from 'node:crypto';
import { MobyvmError } from '../../core/values/index.js';
import { GENERATED_BYTES, passwordFrom, passwordProblem } from './password.plan.js';

/** A new password for mobyvm's own account. */
export function generatePassword(): string {
  return passwordFrom(() => randomBytes(GENERATED_BYTES));
}

/** @throws MobyvmError MOBYVM_SHARE_CREDENTIALS if SMB or mount.cifs cannot carry it */
export function checkPassword(password: string): void {
  const problem = passwordProblem(password);
  if (problem === undefined) return;
  throw new MobyvmError(
    'MOBYVM_SHARE_CREDENTIALS',
    problem,
    'Use another password, or share with the private account of mobyvm (without --user).',
  );
}
