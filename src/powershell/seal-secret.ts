import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CodecError } from '../core/values/index.js';
import { textLiteral } from './literal.codec.js';

/** The environment variable with the session's key, as comma-separated 16-bit numbers. */
const KEY_VARIABLE = 'MOBYVM_SESSION_KEY';
/** The variable with the key in the session. */
const KEY = '$mobyvmKey';
/** Header by which ConvertTo-SecureString recognises the output of ConvertFrom-SecureString with a key. */
const HEADER = '76492d1116743f0423413b16050a5345';
const FORMAT = 2;
const CIPHER = 'aes-256-cbc';
const KEY_BYTES = 32;

/** The function of {@link SEAL_PREAMBLE}: text as {@link SecretSeal.open} reads it. */
export const SEAL = 'ConvertTo-MobyvmSealed';

/**
 * Sent once to a new session. The key becomes a SecureString by method calls only: Windows may log the
 * arguments of cmdlets (module logging, event 4103), and of a SecureString it logs the type name.
 * @see https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_logging_windows
 */
export const SEAL_PREAMBLE: readonly string[] = [
  `${KEY}=[securestring]::new();foreach($n in $env:${KEY_VARIABLE} -split ','){${KEY}.AppendChar([char][int]$n)}`,
  `function ${SEAL}($v){$s=[securestring]::new();foreach($c in [char[]][string]$v){$s.AppendChar($c)};ConvertFrom-SecureString -SecureString $s -SecureKey ${KEY} -ErrorAction Stop}`,
];

/**
 * Encrypts secrets on their way into one session and out of it, so that Windows records only encrypted text
 * of scripts, parameters and output. The key belongs to this session and exists only in the environment of
 * its process. It needs nothing but ConvertTo-SecureString and ConvertFrom-SecureString, so it works in
 * Constrained Language Mode.
 */
export class SecretSeal {
  readonly #key = randomBytes(KEY_BYTES);

  get environment(): Readonly<Record<string, string>> {
    const units = Array.from({ length: KEY_BYTES / 2 }, (_, index) => this.#key.readUInt16LE(index * 2));
    return { [KEY_VARIABLE]: units.join(',') };
  }

  /** An expression that evaluates to the SecureString. */
  expressionFor(secret: string): string {
    return `(ConvertTo-SecureString -String ${textLiteral(this.seal(secret))} -SecureKey ${KEY} -ErrorAction Stop)`;
  }

  /** The form of `ConvertFrom-SecureString -SecureKey`: AES-256-CBC of the UTF-16 text. */
  seal(text: string): string {
    const iv = randomBytes(16);
    const cipher = createCipheriv(CIPHER, this.#key, iv);
    const bytes = Buffer.concat([cipher.update(Buffer.from(text, 'utf16le')), cipher.final()]);
    const envelope = `${FORMAT}|${iv.toString('base64')}|${bytes.toString('hex')}`;
    return HEADER + Buffer.from(envelope, 'utf16le').toString('base64');
  }

  /** The sealed text. @throws CodecError when it was not sealed, or not with this key */
  open(sealed: string): string {
    const envelope = Buffer.from(sealed.slice(HEADER.length), 'base64').toString('utf16le');
    const [format, iv, bytes] = envelope.split('|');
    if (!sealed.startsWith(HEADER) || format !== String(FORMAT) || iv === undefined || bytes === undefined)
      throw new CodecError('sealed text', 0, 'is not sealed');
    try {
      const decipher = createDecipheriv(CIPHER, this.#key, Buffer.from(iv, 'base64'));
      return Buffer.concat([decipher.update(Buffer.from(bytes, 'hex')), decipher.final()]).toString(
        'utf16le',
      );
    } catch (error) {
      throw new CodecError('sealed text', 0, `cannot be opened: ${(error as Error).message}`);
    }
  }
}
