import { ByteWriter, CodecError, ipv4FromBytes, ipv4ToBytes, type Ipv4 } from '../../core/values/index.js';
import { MessageType, OptionCode } from './option-code.js';
import type { DhcpOptions } from './options.codec.js';

const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;

/** The address in an option of exactly four bytes (RFC 2132 §9.1, §9.7), undefined if absent. @throws CodecError */
export function addressOption(options: DhcpOptions, code: number): Ipv4 | undefined {
  const value = exactly(options, code, 4);
  return value === undefined ? undefined : ipv4FromBytes(value);
}

/** Option 53 (RFC 2132 §9.6), undefined for plain BOOTP. A type that we do not know is its number. @throws CodecError */
export function messageTypeOption(options: DhcpOptions): number | undefined {
  return exactly(options, OptionCode.messageType, 1)?.[0];
}

/** Option 57 (RFC 2132 §9.10), bytes, undefined if absent. @throws CodecError */
export function maxMessageSizeOption(options: DhcpOptions): number | undefined {
  const value = exactly(options, OptionCode.maxMessageSize, 2);
  return value === undefined ? undefined : new DataView(value.buffer, value.byteOffset).getUint16(0);
}

export function addressValue(...addresses: readonly Ipv4[]): Uint8Array {
  return Uint8Array.from(addresses.flatMap((address) => [...ipv4ToBytes(address)]));
}

export function u16Value(value: number): Uint8Array {
  return new ByteWriter().u16(value).done();
}

export function u32Value(value: number): Uint8Array {
  return new ByteWriter().u32(value).done();
}

export function textValue(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/**
 * Option 119 (RFC 3397 §2): names as length-prefixed labels, each ended by a zero, without compression, which the
 * RFC allows and which no client has trouble with.
 * @throws CodecError for a label over 63 bytes or a name over 255
 */
export function domainSearchValue(names: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const name of names) {
    const start = writer.length;
    for (const label of name.split('.').filter((part) => part !== '')) {
      const bytes = textValue(label);
      if (bytes.length > MAX_LABEL_BYTES)
        throw new CodecError('domain search', writer.length, `"${label}" is over 63 bytes`);
      writer.u8(bytes.length).put(bytes);
    }
    writer.u8(0);
    if (writer.length - start > MAX_NAME_BYTES)
      throw new CodecError('domain search', start, `"${name}" is over 255 bytes`);
  }
  return writer.done();
}

/** A word for logs: `discover`, or the number of a type that we do not know. */
export function messageTypeName(type: number): string {
  return Object.entries(MessageType).find(([, value]) => value === type)?.[0] ?? `type ${type}`;
}

function exactly(options: DhcpOptions, code: number, length: number): Uint8Array | undefined {
  const value = options.get(code);
  if (value !== undefined && value.length !== length) {
    throw new CodecError(`option ${code}`, 0, `has ${value.length} bytes instead of ${length}`);
  }
  return value;
}
