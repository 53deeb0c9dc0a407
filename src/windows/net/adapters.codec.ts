import { CodecError, formatIpv6, ipv4FromBytes } from '../../core/values/index.js';

/** A network adapter that is up, with what the system's resolver needs. */
export interface Adapter {
  /** The interface's index, the zone of its link-local addresses. */
  readonly index: number;
  /** As users see it: `Ethernet 2`. */
  readonly name: string;
  /** The lower one of its two families. */
  readonly metric: number;
  /** In the order in which they are asked; link-local IPv6 addresses have the index behind a `%`. */
  readonly nameServers: readonly string[];
  /** The domain of its connection; empty if it has none. */
  readonly suffix: string;
}

/**
 * The fields used of IP_ADAPTER_ADDRESSES on 64-bit Windows:
 * https://learn.microsoft.com/windows/win32/api/iptypes/ns-iptypes-ip_adapter_addresses_lh
 */
const ADAPTER = {
  length: 224,
  index: 4,
  next: 8,
  dnsServers: 48,
  suffix: 56,
  friendlyName: 72,
  flags: 92,
  kind: 100,
  state: 104,
  index6: 108,
  metric4: 216,
  metric6: 220,
} as const;
const IP_ADAPTER_IPV4_ENABLED = 0x80;
const IP_ADAPTER_IPV6_ENABLED = 0x100;
const IF_OPER_STATUS_UP = 1;
const IF_TYPE_SOFTWARE_LOOPBACK = 24;

/** IP_ADAPTER_DNS_SERVER_ADDRESS: the next one, and a SOCKET_ADDRESS of a pointer and a length. */
const SERVER = { length: 28, next: 8, address: 16, addressBytes: 24 } as const;
/** sockaddr_in and sockaddr_in6. */
const SOCKADDR = {
  inet: { family: 2, length: 8, at: 4, bytes: 4 },
  inet6: { family: 23, length: 24, at: 8, bytes: 16 },
};
const MAX_ADAPTERS = 10_000;
const MAX_SERVERS = 1_000;
const MAX_TEXT_UNITS = 1_024;

/**
 * Decodes what GetAdaptersAddresses has written: structures that point to one another within the buffer.
 * @param address where the buffer is
 * @returns adapters that are up, without the loopback
 * @throws CodecError for a pointer out of the buffer, and for lists that do not end
 */
export function decodeAdapters(bytes: Uint8Array, address: bigint): readonly Adapter[] {
  const memory = new PointedMemory(bytes, address);
  const adapters: Adapter[] = [];
  let count = 0;
  for (let at: number | undefined = 0; at !== undefined; at = memory.pointer(at + ADAPTER.next, 'adapter')) {
    if (++count > MAX_ADAPTERS) throw new CodecError('adapter', at, 'is one of too many');
    memory.check('adapter', at, ADAPTER.length);
    const isUp = memory.u32(at + ADAPTER.state) === IF_OPER_STATUS_UP;
    if (isUp && memory.u32(at + ADAPTER.kind) !== IF_TYPE_SOFTWARE_LOOPBACK)
      adapters.push(adapterAt(memory, at));
  }
  return adapters;
}

function adapterAt(memory: PointedMemory, at: number): Adapter {
  const flags = memory.u32(at + ADAPTER.flags);
  const metrics = [
    ...((flags & IP_ADAPTER_IPV4_ENABLED) === 0 ? [] : [memory.u32(at + ADAPTER.metric4)]),
    ...((flags & IP_ADAPTER_IPV6_ENABLED) === 0 ? [] : [memory.u32(at + ADAPTER.metric6)]),
  ];
  const index6 = memory.u32(at + ADAPTER.index6);
  return {
    // Zero for an adapter without IPv4.
    index: memory.u32(at + ADAPTER.index) || index6,
    name: memory.text(at + ADAPTER.friendlyName),
    metric: metrics.length === 0 ? Infinity : Math.min(...metrics),
    nameServers: nameServersAt(memory, at, index6),
    suffix: memory.text(at + ADAPTER.suffix),
  };
}

function nameServersAt(memory: PointedMemory, adapter: number, zone: number): readonly string[] {
  const servers: string[] = [];
  let at = memory.pointer(adapter + ADAPTER.dnsServers, 'server');
  for (let count = 0; at !== undefined; count++) {
    if (count === MAX_SERVERS) throw new CodecError('server', at, 'is one of too many');
    memory.check('server', at, SERVER.length);
    const address = memory.pointer(at + SERVER.address, 'address');
    const text = address === undefined ? undefined : addressText(memory, address, zone);
    if (text !== undefined) servers.push(text);
    at = memory.pointer(at + SERVER.next, 'server');
  }
  return servers;
}

/** Undefined for families other than IPv4 and IPv6. */
function addressText(memory: PointedMemory, at: number, zone: number): string | undefined {
  memory.check('address', at, 2);
  const family = memory.u16(at);
  const form = Object.values(SOCKADDR).find((each) => each.family === family);
  if (form === undefined) return undefined;
  memory.check('address', at, form.length);
  const bytes = memory.slice(at + form.at, form.bytes);
  if (form.bytes === 4) return ipv4FromBytes(bytes);
  const isLinkLocal = bytes[0] === 0xfe && ((bytes[1] ?? 0) & 0xc0) === 0x80;
  return formatIpv6(bytes) + (isLinkLocal && zone !== 0 ? `%${zone}` : '');
}

/** A buffer with pointers to places in itself. */
class PointedMemory {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #address: bigint;

  constructor(bytes: Uint8Array, address: bigint) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#address = address;
  }

  check(field: string, at: number, length: number): void {
    if (at + length > this.#bytes.length) throw new CodecError(field, at, 'is cut off');
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  slice(at: number, length: number): Uint8Array {
    return this.#bytes.subarray(at, at + length);
  }

  /** The offset that a pointer leads to; undefined for a null pointer. */
  pointer(at: number, field: string): number | undefined {
    const value = this.#view.getBigUint64(at, true);
    if (value === 0n) return undefined;
    const offset = value - this.#address;
    if (offset < 0n || offset >= BigInt(this.#bytes.length))
      throw new CodecError(field, at, 'is a pointer that leads out of the buffer');
    return Number(offset);
  }

  /** The text in UTF-16 that a pointer leads to; empty for a null pointer. */
  text(at: number): string {
    const start = this.pointer(at, 'text');
    let text = '';
    if (start === undefined) return text;
    for (let from = start; text.length <= MAX_TEXT_UNITS; from += 2) {
      this.check('text', from, 2);
      const unit = this.u16(from);
      if (unit === 0) return text;
      text += String.fromCharCode(unit);
    }
    throw new CodecError('text', start, 'is too long');
  }
}
