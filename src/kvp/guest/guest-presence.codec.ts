import { CodecError } from '../../core/values/index.js';

/**
 * The item `mobyvm.guest` of pool 1: "1 BOOT_ID AGENT". The agent writes it when it is ready for requests; another boot id
 * (random(4), /proc/sys/kernel/random/boot_id: a UUID, RFC 9562 §4) means that the VM was booted again.
 */
export interface GuestPresence {
  readonly bootId: string;
  /** The agent's version, `[A-Za-z0-9._-]{1,32}`. */
  readonly agent: string;
}

/** @throws CodecError when a part is malformed */
export function encodeGuestPresence({ bootId, agent }: GuestPresence): string {
  const value = `1 ${bootId} ${agent}`;
  decodeGuestPresence(value);
  return value;
}

/** @throws CodecError for anything else */
export function decodeGuestPresence(value: string): GuestPresence {
  const match = FORM.exec(value);
  if (match === null) throw new CodecError('guest presence', 0, 'is malformed');
  return { bootId: match[1] ?? '', agent: match[2] ?? '' };
}

const FORM = /^1 ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) ([A-Za-z0-9._-]{1,32})$/;
