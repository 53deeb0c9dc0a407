import { CodecError } from '../../core/values/index.js';

/** RFC 4648 §4 with padding, without line breaks. */
export function encodeBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += SLICE)
    binary += String.fromCharCode(...bytes.subarray(at, at + SLICE));
  return btoa(binary);
}

/** @throws CodecError for anything but the one canonical form */
export function decodeBase64(text: string, field: string): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new CodecError(field, 0, 'is not base64');
  }
  const binary = atob(text);
  if (btoa(binary) !== text) throw new CodecError(field, 0, 'is not canonical base64');
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/** Few enough arguments for one call. */
const SLICE = 8_192;
