import {
  ByteReader,
  ByteWriter,
  CodecError,
  ipv4FromBytes,
  ipv4ToBytes,
  type Ipv4,
} from '../../core/values/index.js';
import { MessageType, OptionCode } from './option-code.js';

const MAX_PART_BYTES = 255;

/** Raw values by option code (1 to 254), in wire order. Unknown options are preserved. */
export type DhcpOptions = ReadonlyMap<number, Uint8Array>;

/**
 * Decodes one options field: the one behind the magic cookie, or an overloaded `file` or `sname`.
 *
 *     code:u8  length:u8  value:length bytes      (0 = pad, 255 = end)
 *
 * See https://www.rfc-editor.org/rfc/rfc2132#section-2. A repeated code continues the earlier value:
 * https://www.rfc-editor.org/rfc/rfc3396#section-7
 * @param into the options of the fields before this one
 * @throws CodecError when an option runs past the end, or the end option is missing
 */
export function decodeOptions(bytes: Uint8Array, into: DhcpOptions = new Map()): DhcpOptions {
  const reader = new ByteReader(bytes);
  const options = new Map(into);
  while (reader.remaining > 0) {
    const code = reader.u8('option code');
    if (code === OptionCode.pad) continue;
    if (code === OptionCode.end) return options;
    const value = reader.take(reader.u8(`option ${code} length`), `option ${code} value`);
    options.set(code, joined(options.get(code), value));
  }
  throw new CodecError('end option', reader.offset, 'is missing');
}

/**
 * Encodes in the map's order; splits values over 255 bytes
 * (https://www.rfc-editor.org/rfc/rfc3396#section-5).
 */
export function encodeOptions(options: DhcpOptions): Uint8Array {
  const writer = new ByteWriter();
  for (const [code, value] of options) {
    if (!Number.isInteger(code) || code <= OptionCode.pad || code >= OptionCode.end) {
      throw new CodecError('option code', writer.length, `${code} is not 1 to 254`);
    }
    for (let at = 0; at === 0 || at < value.length; at += MAX_PART_BYTES) {
      const part = value.subarray(at, at + MAX_PART_BYTES);
      writer.u8(code).u8(part.length).put(part);
    }
  }
  return writer.u8(OptionCode.end).done();
}

/** How many bytes an option takes on the wire, including its code and length bytes. */
export function encodedOptionLength(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / MAX_PART_BYTES));
}

/** The value of an option that holds one address; undefined if absent. @throws CodecError */
export function addressOption(options: DhcpOptions, code: number): Ipv4 | undefined {
  const value = exactly(options, code, 4);
  return value === undefined ? undefined : ipv4FromBytes(value);
}

/**
 * Option 53 (https://www.rfc-editor.org/rfc/rfc2132#section-9.6); undefined for plain BOOTP.
 * @throws CodecError
 */
export function messageTypeOption(options: DhcpOptions): number | undefined {
  return exactly(options, OptionCode.messageType, 1)?.[0];
}

/**
 * Option 57 in bytes (https://www.rfc-editor.org/rfc/rfc2132#section-9.10); undefined if absent.
 * @throws CodecError
 */
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

/** For logs: `discover`, or `type 13` for an unknown one. */
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

function joined(head: Uint8Array | undefined, tail: Uint8Array): Uint8Array {
  return head === undefined ? tail : Uint8Array.from([...head, ...tail]);
}
