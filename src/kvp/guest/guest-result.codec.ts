import { CodecError } from '../../core/values/index.js';

/**
 * The guest's answer to a request, one item of pool 1 named after the request (names.ts, `resultName`):
 *
 *     "1 ID ok" | "1 ID ok TEXT" | "1 ID error CODE ERRNO TEXT"
 *
 * TEXT is one line of printable ASCII (20-7E, RFC 20 §5), at most 800 characters.
 */
export type GuestResult =
  | { readonly id: string; readonly ok: true; readonly text: string }
  | {
      readonly id: string;
      readonly ok: false;
      /** What went wrong, `[a-z][a-z0-9-]{0,31}`: `checksum`, `apply`, `mount` … */
      readonly code: string;
      /** The errno of the guest's kernel, 0 for none. */
      readonly errno: number;
      readonly text: string;
    };

const MAX_TEXT = 800;

/** @throws CodecError when a part is malformed. The text is truncated and cleaned instead. */
export function encodeGuestResult(result: GuestResult): string {
  const text = result.text.replaceAll(/[^\u0020-\u007e]/gu, '?').slice(0, MAX_TEXT);
  const value = result.ok
    ? `1 ${result.id} ok${text === '' ? '' : ` ${text}`}`
    : `1 ${result.id} error ${result.code} ${result.errno} ${text}`;
  decodeGuestResult(value);
  return value;
}

/** @throws CodecError for anything else. A text that is too long is refused: our agent never sends one. */
export function decodeGuestResult(value: string): GuestResult {
  if (value.length > MAX_TEXT + 100) throw new CodecError('guest result', value.length, 'is too long');
  const ok = /^1 ([a-z0-9]{1,32}) ok(?: ([ -~]{1,800}))?$/.exec(value);
  if (ok !== null) return { id: ok[1] ?? '', ok: true, text: ok[2] ?? '' };
  const error = /^1 ([a-z0-9]{1,32}) error ([a-z][a-z0-9-]{0,31}) (0|[1-9][0-9]{0,4}) ([ -~]{0,800})$/.exec(
    value,
  );
  if (error === null) throw new CodecError('guest result', 0, 'is malformed');
  const [, id = '', code = '', errno = '', text = ''] = error;
  return { id, ok: false, code, errno: Number(errno), text };
}
