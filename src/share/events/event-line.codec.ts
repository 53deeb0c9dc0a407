import { CodecError } from '../../core/values/index.js';

/**
 * What the guest is to raise. `operations` is one or more of `c` (created), `d` (deleted), `m` (modified), `a`
 * (attributes), `w` (closed by a writer), as in guest/fsnotify/mobyvm_fsnotify.c.
 */
export type GuestEvent =
  | { readonly path: string; readonly isFolder: boolean; readonly operations: string }
  | { readonly path: string; readonly isFolder: boolean; readonly to: string };

/** A line of the link `share-events`, as guest/share-events/share-events.c reads it. */
export interface EventLine {
  readonly share: string;
  readonly event: GuestEvent;
}

/** PATH_MAX of Linux, with the final NUL: https://man7.org/linux/man-pages/man3/realpath.3.html. */
export const MAX_GUEST_PATH_BYTES = 4_095;
const MAX_LINE_CHARACTERS = 32_000;
const SHARE = /^[A-Za-z0-9_-]{1,64}$/;
const OPERATIONS = /^(?!.*(.).*\1)[cdmaw]{1,5}$/;

/**
 * Line: `SHARE SP OPS SP PATH [SP PATH2]`, such as `C cmw /C/site/a%20b.txt` or `C r /C/a /C/b`. `D` at the end of OPS
 * says that it is a folder. Paths are UTF-8; bytes other than printable ASCII, and `%`, are `%` and two hexadecimal
 * digits (RFC 3986 §2.1). The result has no line end.
 * @throws CodecError if a path is not absolute, too long, or has a NUL or an unpaired surrogate
 */
export function encodeEventLine({ share, event }: EventLine): string {
  if (!SHARE.test(share)) throw new CodecError('share', 0, 'is not the id of a share');
  const folder = event.isFolder ? 'D' : '';
  if ('to' in event)
    return `${share} r${folder} ${encodePath(event.path, 'path')} ${encodePath(event.to, 'to')}`;
  if (!OPERATIONS.test(event.operations)) throw new CodecError('operations', 0, 'are not known');
  return `${share} ${event.operations}${folder} ${encodePath(event.path, 'path')}`;
}

/** @throws CodecError */
export function decodeEventLine(line: string): EventLine {
  if (line.length > MAX_LINE_CHARACTERS) throw new CodecError('line', MAX_LINE_CHARACTERS, 'is too long');
  const [share = '', given = '', first = '', second, ...more] = line.split(' ');
  if (!SHARE.test(share)) throw new CodecError('share', 0, 'is not the id of a share');
  if (more.length > 0) throw new CodecError('line', 0, 'has more than four parts');
  const isFolder = given.endsWith('D');
  const operations = isFolder ? given.slice(0, -1) : given;
  const path = decodePath(first, 'path');
  if (operations === 'r' && second !== undefined)
    return { share, event: { path, isFolder, to: decodePath(second, 'to') } };
  if (!OPERATIONS.test(operations) || second !== undefined)
    throw new CodecError('operations', 0, 'are not known');
  return { share, event: { path, isFolder, operations } };
}

function encodePath(path: string, field: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new CodecError(field, 0, 'is not an absolute path');
  if (/\p{Surrogate}/u.test(path)) throw new CodecError(field, 0, 'is not Unicode text');
  const bytes = new TextEncoder().encode(path);
  if (bytes.length > MAX_GUEST_PATH_BYTES) throw new CodecError(field, MAX_GUEST_PATH_BYTES, 'is too long');
  let text = '';
  for (const byte of bytes) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x25;
    text += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function decodePath(text: string, field: string): string {
  if (!text.startsWith('/')) throw new CodecError(field, 0, 'is not an absolute path');
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) throw new CodecError(field, at, 'has a character that is not escaped');
    if (code !== 0x25) {
      bytes.push(code);
      continue;
    }
    const digits = text.slice(at + 1, at + 3);
    if (!/^[0-9A-F]{2}$/.test(digits) || digits === '00')
      throw new CodecError(field, at, 'has a wrong escape');
    bytes.push(parseInt(digits, 16));
    at += 2;
  }
  if (bytes.length > MAX_GUEST_PATH_BYTES) throw new CodecError(field, MAX_GUEST_PATH_BYTES, 'is too long');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    throw new CodecError(field, 0, 'is not UTF-8');
  }
}
