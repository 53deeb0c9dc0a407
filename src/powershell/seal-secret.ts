import { createCipheriv, randomBytes } from 'node:crypto';
import { textLiteral } from './literal.codec.js';

/** Under this name the session's process finds the key, as decimal bytes with commas between. */
const KEY_VARIABLE = 'MOBYVM_SESSION_KEY';
/** How ConvertTo-SecureString recognises what ConvertFrom-SecureString has encrypted with a key. */
const HEADER = '76492d1116743f0423413b16050a5345';
const FORMAT = 2;

/**
 * Secrets on their way into one session. What is sent, and what Windows may record of the scripts and parameters that it runs, is
 * encrypted text; its key is made for this session and stands in the environment of its process alone. Nothing but
 * ConvertTo-SecureString is needed to read it, so that it works in Constrained Language Mode.
 */
export class SecretSeal {
  readonly #key = randomBytes(32);

  get environment(): Readonly<Record<string, string>> {
    return { [KEY_VARIABLE]: [...this.#key].join(',') };
  }

  /** An expression that gives the SecureString. */
  expressionFor(secret: string): string {
    return `(ConvertTo-SecureString -String ${textLiteral(this.#sealed(secret))} -Key ([byte[]]($env:${KEY_VARIABLE} -split ',')) -ErrorAction Stop)`;
  }

  /** The form of `ConvertFrom-SecureString -Key`: AES-256-CBC of the UTF-16 text. */
  #sealed(secret: string): string {
    const iv = randomBytes(16);
    const cipher = createCipheriv('aes-256-cbc', this.#key, iv);
    const bytes = Buffer.concat([cipher.update(Buffer.from(secret, 'utf16le')), cipher.final()]);
    const envelope = `${FORMAT}|${iv.toString('base64')}|${bytes.toString('hex')}`;
    return HEADER + Buffer.from(envelope, 'utf16le').toString('base64');
  }
}
