import { MobyvmError } from './errors.js';

declare const brand: unique symbol;

/** A MAC address in lower case with colons, for example `02:00:0a:00:4b:02`. */
export type Mac = string & { readonly [brand]: 'Mac' };

/**
 * Accepts colons, dashes or nothing between the digits, in either case.
 * @throws MobyvmError MOBYVM_SETTINGS
 */
export function parseMac(text: string): Mac {
  const digits = text.toLowerCase().replaceAll(/[:-]/g, '');
  if (!/^[0-9a-f]{12}$/.test(digits)) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `"${text}" is not a MAC address.`,
      'Use six pairs of hexadecimal digits, for example 02:00:0a:00:4b:02.',
    );
  }
  return pairs(digits);
}

export function macFromBytes(bytes: Uint8Array): Mac {
  return pairs([...bytes.subarray(0, 6)].map((byte) => byte.toString(16).padStart(2, '0')).join(''));
}

export function macToBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(':'), (pair) => Number.parseInt(pair, 16));
}

/** A locally administered unicast address (IEEE 802c) made from six random bytes. */
export function localMac(random: Uint8Array): Mac {
  const bytes = random.slice(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return macFromBytes(bytes);
}

function pairs(digits: string): Mac {
  return (digits.match(/../g) ?? []).join(':') as Mac;
}
