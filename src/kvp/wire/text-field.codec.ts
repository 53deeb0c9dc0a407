import { CodecError } from '../../core/values/index.js';

/** A fixed field of KVP structures: UTF-8, ended by the first NUL (include/uapi/linux/hyperv.h, `hv_kvp_exchg_msg_value`). */

/** @throws CodecError when the text with its NUL does not fit, or is not valid Unicode, or holds a NUL itself */
export function encodeTextField(text: string, sizeBytes: number, field: string): Uint8Array {
  checkCharacters(text, field);
  const bytes = new TextEncoder().encode(text);
  if (bytes.length >= sizeBytes) {
    throw new CodecError(field, 0, `has ${bytes.length} bytes; ${sizeBytes - 1} fit`);
  }
  const padded = new Uint8Array(sizeBytes);
  padded.set(bytes);
  return padded;
}

/**
 * What follows the first NUL is not looked at: hv_kvp_daemon leaves the tail of an older, longer value there.
 * @throws CodecError when there is no NUL, or the text before it is not UTF-8
 */
export function decodeTextField(bytes: Uint8Array, field: string): string {
  const end = bytes.indexOf(0);
  if (end < 0) throw new CodecError(field, bytes.length, 'is not ended by a NUL');
  return decodeUtf8(bytes.subarray(0, end), field);
}

/** @throws CodecError when the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array, field: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CodecError(field, 0, 'is not UTF-8');
  }
}

/** Everything that neither a C string nor XML 1.0 (§2.2, Char) can carry. Tab, LF and CR are allowed. */
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/u;

/** The index of the first character that an item cannot carry, or -1. */
export function forbiddenCharacterAt(text: string): number {
  return text.search(FORBIDDEN);
}

function checkCharacters(text: string, field: string): void {
  const at = text.search(NEVER);
  if (at >= 0) throw new CodecError(field, at, 'holds a NUL or half a surrogate pair');
}

const NEVER = /\0|\p{Surrogate}/u;
