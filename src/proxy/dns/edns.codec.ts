import { ByteReader, ByteWriter, CodecError } from '../../core/values/index.js';
import { RecordType } from './dns-constants.js';
import type { RecordSpan } from './record.codec.js';

/** The OPT pseudo record: https://www.rfc-editor.org/rfc/rfc6891#section-6.1 */
export interface Edns {
  /** How many bytes its sender accepts over UDP. Values below 512 mean 512. */
  readonly udpBytes: number;
  /** The upper eight bits of the response code. */
  readonly extendedRcode: number;
  readonly version: number;
  /** The DO bit: https://www.rfc-editor.org/rfc/rfc3225#section-3 */
  readonly dnssecOk: boolean;
  readonly options: readonly EdnsOption[];
}

export interface EdnsOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** https://www.rfc-editor.org/rfc/rfc8914#section-2 */
export const EXTENDED_ERROR = 15;

/**
 * Decodes an OPT record: root name, `class` is the UDP size, `ttl` is `rcode:8 version:8 DO:1 Z:15`, data is
 * `code:u16 length:u16 bytes…` repeated.
 * @throws CodecError when its name is not the root, or an option runs past the end
 */
export function decodeEdns(message: Uint8Array, span: RecordSpan): Edns {
  if (span.dataStart - span.start !== 11) throw new CodecError('OPT name', span.start, 'is not the root');
  const reader = new ByteReader(message.subarray(span.dataStart, span.end));
  const options: EdnsOption[] = [];
  while (reader.remaining > 0) {
    const code = reader.u16('option code');
    options.push({ code, data: reader.take(reader.u16('option length'), `EDNS option ${code}`) });
  }
  return {
    udpBytes: span.class,
    extendedRcode: span.ttl >>> 24,
    version: (span.ttl >>> 16) & 0xff,
    dnssecOk: (span.ttl & 0x8000) !== 0,
    options,
  };
}

export function encodeEdns(edns: Edns): Uint8Array {
  const options = new ByteWriter();
  for (const { code, data } of edns.options) options.u16(code).u16(data.length).put(data);
  return new ByteWriter()
    .u8(0)
    .u16(RecordType.opt)
    .u16(edns.udpBytes)
    .u8(edns.extendedRcode)
    .u8(edns.version)
    .u16(edns.dnssecOk ? 0x8000 : 0)
    .u16(options.length)
    .put(options.done())
    .done();
}

/**
 * The reason for an error, for people: `info-code:u16 text`
 * (https://www.rfc-editor.org/rfc/rfc8914#section-2).
 */
export function extendedError(infoCode: number, text: string): EdnsOption {
  const data = new ByteWriter().u16(infoCode).put(new TextEncoder().encode(text)).done();
  return { code: EXTENDED_ERROR, data };
}
