import { ByteReader, ByteWriter, CodecError } from '../../core/values/index.js';
import { OptionCode } from './option-code.js';

const MAX_PART_BYTES = 255;

/** Option code (1 to 254) to raw value, in the order of the wire. Codes that we do not know are kept as they came. */
export type DhcpOptions = ReadonlyMap<number, Uint8Array>;

/**
 * Decodes one options field: what follows the magic cookie, or an overloaded `file` or `sname`.
 *
 *     code:u8  length:u8  value:length bytes      (0 = pad, 255 = end)
 *
 * RFC 2132 §2; a code that appears again continues the earlier value, in order: RFC 3396 §7.
 * @param into options of the fields read before this one, which it continues
 * @throws CodecError when an option runs past the end, or the end mark is missing
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

/** Encodes in the map's order, a value over 255 bytes in several parts (RFC 3396 §5), then the end mark. */
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

/** How many bytes an option takes on the wire, its codes and lengths included. */
export function encodedOptionLength(value: Uint8Array): number {
  return value.length + 2 * Math.max(1, Math.ceil(value.length / MAX_PART_BYTES));
}

function joined(head: Uint8Array | undefined, tail: Uint8Array): Uint8Array {
  return head === undefined ? tail : Uint8Array.from([...head, ...tail]);
}
