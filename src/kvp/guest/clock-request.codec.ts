import { CodecError } from '../../core/values/index.js';
import { decodeFields, encodeFields, optionalText, utf8Field } from './fields.codec.js';

/**
 * Asks when the host's pool was last written, by the guest's clock: body of the transfer `mobyvm.clock` (fields.codec.ts, kind
 * `mobyvm-clock` 1).
 */
export interface ClockRequest {
  /** By how many milliseconds the guest is to move its clock then: field `adjust`, a whole number. */
  readonly adjustMs?: number;
}

/** More than this is for `mobyvm.time` (time-request.codec.ts). */
export const MOST_ADJUSTED_MS = 2_000;

const KIND = 'mobyvm-clock';
const VERSION = 1;
const ADJUSTMENT = /^(?:0|-?[1-9][0-9]{0,3})$/;
const WRITTEN = /^[1-9][0-9]{0,13}$/;

/** @throws CodecError for a fraction of a millisecond, or more than {@link MOST_ADJUSTED_MS} either way */
export function encodeClockRequest({ adjustMs }: ClockRequest): Uint8Array {
  const fields = adjustMs === undefined ? [] : [utf8Field('adjust', formatAdjustment(adjustMs))];
  return encodeFields({ kind: KIND, version: VERSION, fields });
}

/** @throws CodecError for another kind or version, or a malformed correction. Unknown fields are ignored. */
export function decodeClockRequest(body: Uint8Array): ClockRequest {
  const { kind, version, fields } = decodeFields(body);
  if (kind !== KIND || version !== VERSION) throw new CodecError('kind', 0, `is not ${KIND} ${VERSION}`);
  const text = optionalText(fields, 'adjust');
  return text === undefined ? {} : { adjustMs: parseAdjustment(text) };
}

/**
 * Reads the text of a guest result (guest-result.codec.ts): when the pool was written, in milliseconds since 1970 by the
 * guest's clock, before any correction. @throws CodecError for anything else
 */
export function decodeClockAnswer(text: string): number {
  if (!WRITTEN.test(text)) throw new CodecError('clock answer', 0, 'is malformed');
  return Number(text);
}

function formatAdjustment(adjustMs: number): string {
  const text = String(adjustMs);
  parseAdjustment(text);
  return text;
}

function parseAdjustment(text: string): number {
  if (!ADJUSTMENT.test(text) || Math.abs(Number(text)) > MOST_ADJUSTED_MS)
    throw new CodecError('adjust', 0, `"${text}" is not a whole number of up to ${MOST_ADJUSTED_MS}`);
  return Number(text);
}
