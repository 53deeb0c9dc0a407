import { randomBytes } from 'node:crypto';
import { noSeal, readFileIfPresent, writeFileAtomically, type SecretSeal } from '../../core/host/index.js';

/** What the guest says to the host to be known as this machine's: 256 bits in base64url (RFC 4648 §5). A secret. */
export type MachineToken = string;

const FORM = /^[A-Za-z0-9_-]{43}$/;

/**
 * The machine's token, made at the first start and again when the file holds none. It stays the same from then on: a
 * daemon that adopts a running guest has to know the one that the guest was given.
 * @throws MobyvmError MOBYVM_DISK_FULL
 */
export async function loadToken(path: string, seal: SecretSeal = noSeal): Promise<MachineToken> {
  const text = await readFileIfPresent(path);
  const stored = text === undefined ? undefined : (await seal.open(text))?.trim();
  if (stored !== undefined && FORM.test(stored)) return stored;
  const token = randomBytes(32).toString('base64url');
  await writeFileAtomically(path, await seal.seal(`${token}\n`));
  return token;
}
