import type { SecretSeal } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { protectData, unprotectData } from '../calls/data-protection.js';
import { WindowsCallError } from '../windows-call-error.js';
import { sealedBytes, sealedText } from './sealed-text.plan.js';

/**
 * The Data Protection API with the key of this computer: the daemon runs as SYSTEM, or as an administrator in a
 * terminal. Every program on this computer that can read a sealed file can decrypt it, so the access list of the
 * folder is what keeps other users out; the seal protects copies, backups and disks that are moved.
 */
export const machineSeal: SecretSeal = {
  seal: (secret) => Promise.resolve().then(() => seal(secret)),
  open: (text) => Promise.resolve().then(() => open(text)),
};

function seal(secret: string): string {
  const plain = Buffer.from(secret, 'utf8');
  try {
    return sealedText(protectData(plain));
  } catch (error) {
    throw error instanceof WindowsCallError ? sealError(error) : error;
  } finally {
    plain.fill(0);
  }
}

function open(text: string): string | undefined {
  const sealed = sealedBytes(text);
  if (sealed === 'plain') return text;
  if (sealed === 'damaged') return undefined;
  try {
    const plain = unprotectData(Buffer.from(sealed));
    const secret = plain.toString('utf8');
    plain.fill(0);
    return secret;
  } catch (error) {
    // Sealed on another computer, before Windows was installed again, or changed since.
    if (error instanceof WindowsCallError) return undefined;
    throw error;
  }
}

function sealError(cause: Error): MobyvmError {
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    `Windows could not encrypt a secret for its file: ${cause.message}.`,
    'Make sure that the service "Cryptographic Services" (CryptSvc) is running, then run the command again.',
    { cause },
  );
}
