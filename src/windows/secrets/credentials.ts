import { MobyvmError } from '../../core/values/index.js';

/** The generic credentials of the user that this process runs as. All methods throw MobyvmError MOBYVM_SHARE_CREDENTIALS. */
export interface CredentialManager {
  /** Undefined if there is none. @param target its name, of which Windows ignores the case */
  read(target: string): string | undefined;
  write(target: string, user: string, password: string): void;
  /** Succeeds if there is none. */
  remove(target: string): void;
  /** The users of all credentials whose target begins with the prefix. */
  users(prefix: string): readonly string[];
}

export function credentialError(cause: Error): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_CREDENTIALS',
    `Windows' Credential Manager refused: ${cause.message}.`,
    'Make sure that the service "Credential Manager" (VaultSvc) is not disabled, and that no policy forbids to store credentials.',
    { cause },
  );
}
