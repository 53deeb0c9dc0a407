import { MobyvmError } from './errors.js';

declare const brand: unique symbol;

/**
 * An IPv4 address in dotted form, for example `10.0.75.1`. Made by {@link parseIpv4} or {@link
 * ipv4FromBytes}.
 */
export type Ipv4 = string & { readonly [brand]: 'Ipv4' };

/** @throws MobyvmError MOBYVM_SETTINGS when `text` is not four decimal numbers from 0 to 255 */
export function parseIpv4(text: string): Ipv4 {
  if (!isIpv4(text)) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `"${text}" is not an IPv4 address.`,
      'Use four numbers from 0 to 255 separated by dots, for example 10.0.75.1.',
    );
  }
  return text;
}

export function isIpv4(text: string): text is Ipv4 {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** Reads the first four bytes; missing ones count as 0. */
export function ipv4FromBytes(bytes: Uint8Array): Ipv4 {
  return [0, 1, 2, 3].map((at) => bytes[at] ?? 0).join('.') as Ipv4;
}

export function ipv4ToBytes(address: Ipv4): Uint8Array {
  return Uint8Array.from(address.split('.'), Number);
}

/** The address as an unsigned 32-bit number. */
export function ipv4ToNumber(address: Ipv4): number {
  return new DataView(ipv4ToBytes(address).buffer).getUint32(0);
}

export function ipv4FromNumber(value: number): Ipv4 {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return ipv4FromBytes(bytes);
}
