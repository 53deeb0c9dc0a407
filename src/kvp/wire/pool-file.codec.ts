import { CodecError } from '../../core/values/index.js';
import { MAX_LISTED_ITEMS } from './limits.js';
import { decodeTextField, encodeTextField } from './text-field.codec.js';

/**
 * The file `/var/lib/hyperv/.kvp_pool_N` of the guest (tools/hv/hv_kvp_daemon.c, `struct kvp_record`): records without
 * anything between them,
 *
 *     key[512] | value[2048]        UTF-8 up to the first NUL; the tail of an older text may follow it
 */
export interface PoolRecord {
  readonly name: string;
  readonly value: string;
}

export const KEY_FIELD_BYTES = 512;
export const VALUE_FIELD_BYTES = 2_048;
export const POOL_RECORD_BYTES = KEY_FIELD_BYTES + VALUE_FIELD_BYTES;

/** @throws CodecError if the file is not a whole number of records, or a record is not two terminated UTF-8 texts */
export function decodePoolFile(bytes: Uint8Array): readonly PoolRecord[] {
  if (bytes.length % POOL_RECORD_BYTES !== 0) {
    throw new CodecError(
      'pool file',
      bytes.length,
      `is not a whole number of ${POOL_RECORD_BYTES}-byte records`,
    );
  }
  const count = bytes.length / POOL_RECORD_BYTES;
  if (count > MAX_LISTED_ITEMS)
    throw new CodecError('pool file', 0, `has more than ${MAX_LISTED_ITEMS} records`);
  return Array.from({ length: count }, (_, index) => {
    const at = index * POOL_RECORD_BYTES;
    const record = bytes.subarray(at, at + POOL_RECORD_BYTES);
    return {
      name: decodeTextField(record.subarray(0, KEY_FIELD_BYTES), 'key'),
      value: decodeTextField(record.subarray(KEY_FIELD_BYTES), 'value'),
    };
  });
}

/** @throws CodecError when a text does not fit its field */
export function encodePoolFile(records: readonly PoolRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.length * POOL_RECORD_BYTES);
  records.forEach(({ name, value }, index) => {
    const at = index * POOL_RECORD_BYTES;
    bytes.set(encodeTextField(name, KEY_FIELD_BYTES, 'key'), at);
    bytes.set(encodeTextField(value, VALUE_FIELD_BYTES, 'value'), at + KEY_FIELD_BYTES);
  });
  return bytes;
}
