import { CodecError } from '../../core/values/index.js';
import { decodeFields, encodeFields, requiredText, utf8Field } from './fields.codec.js';

/**
 * The host's time: body of the transfer `mobyvm.time` (fields.codec.ts, kind `mobyvm-time` 1), with one field `time`,
 * seconds since 1970 (UTC) with three decimals.
 */
export interface TimeRequest {
  /** Milliseconds since 1970, UTC. */
  readonly timeMs: number;
}

/** What the guest did about its clock. */
export interface TimeAnswer {
  /** How far the guest's clock was ahead of the host's before that. */
  readonly offsetMs: number;
  /**
   * `stepped`: it was more than a second off and was set. `kept`: it was right. `rtc`: the guest keeps its clock by its
   * real-time clock, and has just compared the two.
   */
  readonly action: 'stepped' | 'kept' | 'rtc';
}

const KIND = 'mobyvm-time';
const VERSION = 1;
const TIME = /^[1-9][0-9]{0,10}\.[0-9]{3}$/;
const ANSWER = /^(0|-?[1-9][0-9]{0,14}) (stepped|kept|rtc)$/;

/** @throws CodecError for a time before 1970-01-01 00:00:01 or after the year 5138 */
export function encodeTimeRequest({ timeMs }: TimeRequest): Uint8Array {
  return encodeFields({ kind: KIND, version: VERSION, fields: [utf8Field('time', formatTime(timeMs))] });
}

/** @throws CodecError for another kind or version, or a missing or malformed time. Unknown fields are ignored. */
export function decodeTimeRequest(body: Uint8Array): TimeRequest {
  const { kind, version, fields } = decodeFields(body);
  if (kind !== KIND || version !== VERSION) throw new CodecError('kind', 0, `is not ${KIND} ${VERSION}`);
  return { timeMs: parseTime(requiredText(fields, 'time')) };
}

/** @throws CodecError for an offset that is not a whole number of at most 15 digits */
export function encodeTimeAnswer({ offsetMs, action }: TimeAnswer): string {
  const text = `${offsetMs} ${action}`;
  decodeTimeAnswer(text);
  return text;
}

/** Reads the text of a guest result (guest-result.codec.ts): "OFFSET_MS ACTION". @throws CodecError for anything else */
export function decodeTimeAnswer(text: string): TimeAnswer {
  const match = ANSWER.exec(text);
  const action = match?.[2];
  if (action !== 'stepped' && action !== 'kept' && action !== 'rtc') {
    throw new CodecError('time answer', 0, 'is malformed');
  }
  return { offsetMs: Number(match?.[1]), action };
}

/** @throws CodecError when the time cannot be written as seconds of 1 to 11 digits */
export function formatTime(timeMs: number): string {
  const text = (Math.round(timeMs) / 1_000).toFixed(3);
  if (!TIME.test(text)) throw new CodecError('time', 0, `${timeMs} is out of range`);
  return text;
}

/** @throws CodecError for anything but {@link formatTime}'s form */
export function parseTime(text: string): number {
  if (!TIME.test(text)) throw new CodecError('time', 0, 'is malformed');
  return Math.round(Number(text) * 1_000);
}
