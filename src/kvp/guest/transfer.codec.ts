import { CodecError } from '../../core/values/index.js';
import { decodeBase64, encodeBase64 } from '../wire/base64.codec.js';
import { MAX_BODY_BYTES } from './fields.codec.js';
import { chunkName } from './names.js';

/**
 * A body that is longer than an item, as several items of pool 0. All values are printable ASCII, so that bytes,
 * UTF-16 units and characters are the same number and a shell reads them line by line.
 *
 *     NAME       "1 ID COUNT BYTES SHA256"     the header: version, request, chunks, length of the body, its SHA-256
 *     NAME#I     "ID BASE64"                   chunk I of COUNT (RFC 4648 §4); 952 characters, the last one fewer
 *
 * Values stay at 985 characters: 990 is what others found to pass everywhere (containers/libhvee, pkg/kvp/ginsu). The
 * request's id in each chunk tells the chunks of two requests apart, the hash finds what else may go wrong: a transfer that
 * was cut anywhere is incomplete or refused, never a shorter body.
 */
export interface Transfer {
  readonly name: string;
  /** `[a-z0-9]{1,32}`, never used twice. */
  readonly id: string;
  readonly body: Uint8Array;
}

export interface TransferItem {
  readonly name: string;
  readonly value: string;
}

export interface TransferHeader {
  readonly id: string;
  readonly count: number;
  readonly bytes: number;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** SHA-256 as 64 lower-case hexadecimal digits; a parameter, because codecs use nothing of the platform. */
export type Digest = (bytes: Uint8Array) => string;

export type ReceivedTransfer =
  | { readonly state: 'absent' }
  /** A chunk has not come yet, or is of another request. */
  | { readonly state: 'incomplete'; readonly header: TransferHeader; readonly missing: number }
  | { readonly state: 'whole'; readonly id: string; readonly body: Uint8Array };

const CHUNK_CHARACTERS = 952;
const CHUNK_BYTES = (CHUNK_CHARACTERS / 4) * 3;
export const MAX_CHUNKS = Math.ceil(MAX_BODY_BYTES / CHUNK_BYTES);

/** The items in the order in which they must be set: the header last, so that an incomplete body is never used. */
export function encodeTransfer({ name, id, body }: Transfer, digest: Digest): readonly TransferItem[] {
  if (!ID.test(id)) throw new CodecError('id', 0, 'is malformed');
  if (body.length > MAX_BODY_BYTES) throw new CodecError('body', 0, `has more than ${MAX_BODY_BYTES} bytes`);
  const count = chunksOf(body.length);
  const chunks = Array.from({ length: count }, (_, index) => ({
    name: chunkName(name, index),
    value: `${id} ${encodeBase64(body.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES))}`,
  }));
  return [...chunks, { name, value: `1 ${id} ${count} ${body.length} ${digest(body)}` }];
}

/** @throws CodecError when it is not a header of version 1, or count and length contradict each other */
export function decodeTransferHeader(value: string): TransferHeader {
  const match = HEADER.exec(value);
  if (match === null) throw new CodecError('transfer header', 0, 'is malformed');
  const [, id = '', count = '', bytes = '', sha256 = ''] = match;
  const header = { id, count: Number(count), bytes: Number(bytes), sha256 };
  if (header.bytes > MAX_BODY_BYTES || header.count !== chunksOf(header.bytes)) {
    throw new CodecError('transfer header', 0, `${count} chunks cannot hold ${bytes} bytes`);
  }
  return header;
}

/**
 * The receiving side; the guest does the same in shell.
 * @param items the pool; of equal names the first counts
 * @throws CodecError when header or a chunk is malformed, or length or hash of the body are others than announced
 */
export function decodeTransfer(
  name: string,
  items: readonly TransferItem[],
  digest: Digest,
): ReceivedTransfer {
  const values = new Map([...items].reverse().map((item) => [item.name, item.value]));
  const headerText = values.get(name);
  if (headerText === undefined) return { state: 'absent' };
  const header = decodeTransferHeader(headerText);
  const texts: string[] = [];
  for (let index = 0; index < header.count; index++) {
    const value = values.get(chunkName(name, index));
    if (value?.startsWith(`${header.id} `) !== true) return { state: 'incomplete', header, missing: index };
    texts.push(value.slice(header.id.length + 1));
  }
  const body = decodeBase64(texts.join(''), 'chunks');
  if (body.length !== header.bytes)
    throw new CodecError('body', body.length, `${header.bytes} bytes were announced`);
  if (digest(body) !== header.sha256) throw new CodecError('body', 0, 'has another SHA-256 than announced');
  return { state: 'whole', id: header.id, body };
}

function chunksOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / CHUNK_BYTES));
}

const ID = /^[a-z0-9]{1,32}$/;
const HEADER = /^1 ([a-z0-9]{1,32}) ([1-9][0-9]?) (0|[1-9][0-9]{0,4}) ([0-9a-f]{64})$/;
