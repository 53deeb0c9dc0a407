import { CodecError } from '../../core/values/index.js';
import { KvpFrame, type TextPlace } from './kvp-frame.js';
import { decodeKvpValue, encodeKvpValue, type KvpValue } from './kvp-value.codec.js';
import { decodeIpInfo, encodeIpInfo, type IpInfo } from './ip-info.codec.js';

/**
 * `struct hv_kvp_msg` (include/uapi/linux/hyperv.h): the message between Hyper-V's driver and hv_kvp_daemon, and between
 * mobyvm and its own device in the guest. One message is 7,432 bytes, little-endian, packed:
 *
 *     operation u8 @0 | pool u8 @1 | pad u16 @2      in an answer, bytes 0-3 are one HV_E_… status instead
 *     get, set     type u32 @4 | key_size u32 @8 | value_size u32 @12 | key[512] @16 | value[2048] @528
 *     delete       key_size u32 @4 | key[512] @8
 *     enumerate    index u32 @4 | type @8 | key_size @12 | value_size @16 | key[512] @20 | value[2048] @532
 *     register     version[512] @4
 *     IP info      see ip-info.codec.ts
 */
export type KvpRequest =
  | { readonly operation: 'get'; readonly pool: number; readonly key: string }
  | { readonly operation: 'set'; readonly pool: number; readonly key: string; readonly value: KvpValue }
  | { readonly operation: 'delete'; readonly pool: number; readonly key: string }
  | { readonly operation: 'enumerate'; readonly pool: number; readonly index: number }
  | { readonly operation: 'get-ip-info'; readonly info: IpInfo }
  | { readonly operation: 'set-ip-info'; readonly info: IpInfo };

export type KvpOperation = KvpRequest['operation'];

export const Pool = { external: 0, guest: 1, auto: 2, autoExternal: 3, autoInternal: 4 } as const;

const OPERATION: Readonly<Record<KvpOperation, number>> = {
  get: 0,
  set: 1,
  delete: 2,
  enumerate: 3,
  'get-ip-info': 4,
  'set-ip-info': 5,
};
const REGISTER = 4;
const REGISTER1 = 100;

const KEY: TextPlace = { at: 16, size: 512, field: 'key' };
const VALUE_AT = { type: 4, size: 12, value: 528 };
const DELETED_KEY: TextPlace = { at: 8, size: 512, field: 'key' };
const LISTED_KEY: TextPlace = { at: 20, size: 512, field: 'key' };
const LISTED_VALUE_AT = { type: 8, size: 16, value: 532 };
const VERSION: TextPlace = { at: 4, size: 512, field: 'version' };

/** @throws CodecError when a text does not fit, or the pool does not exist: hv_kvp_daemon dies of pools above 4 */
export function encodeKvpRequest(request: KvpRequest): Uint8Array {
  const frame = KvpFrame.empty().setU8(0, OPERATION[request.operation]);
  if ('pool' in request) frame.setU8(1, checkedPool(request.pool));
  switch (request.operation) {
    case 'get':
      // An empty value with the whole field's size: the daemon fills it.
      frame.setU32(4, 1).setU32(8, frame.setText(KEY, request.key)).setU32(12, 2_048);
      break;
    case 'set':
      frame.setU32(8, frame.setText(KEY, request.key));
      encodeKvpValue(frame, VALUE_AT, request.value);
      break;
    case 'delete':
      frame.setU32(4, frame.setText(DELETED_KEY, request.key));
      break;
    case 'enumerate':
      frame.setU32(4, request.index);
      break;
    case 'get-ip-info':
    case 'set-ip-info':
      encodeIpInfo(frame, request.info);
      break;
  }
  return frame.bytes;
}

/** @throws CodecError for other sizes, operations, pools, and texts that are not terminated UTF-8 */
export function decodeKvpRequest(bytes: Uint8Array): KvpRequest {
  const frame = KvpFrame.of(bytes);
  const operation = operationOf(frame.u8(0));
  if (operation === 'get-ip-info' || operation === 'set-ip-info') {
    return { operation, info: decodeIpInfo(frame) };
  }
  const pool = checkedPool(frame.u8(1));
  switch (operation) {
    case 'get':
      return { operation, pool, key: frame.text(KEY) };
    case 'set':
      return { operation, pool, key: frame.text(KEY), value: decodeKvpValue(frame, VALUE_AT) };
    case 'delete':
      return { operation, pool, key: frame.text(DELETED_KEY) };
    case 'enumerate':
      return { operation, pool, index: frame.u32(4) };
  }
}

/** The daemon's answer to a request. If the status is not 0, the other fields have no meaning. */
export interface KvpAnswer {
  /** One of {@link HvStatus}, unsigned; others can come from a misbehaving guest. */
  readonly status: number;
  /** In the answer to enumerate. */
  readonly key?: string;
  /** In the answer to get or enumerate. */
  readonly value?: KvpValue;
  /** In the answer to get-ip-info. */
  readonly info?: IpInfo;
}

/** The status alone, which is at the same offset in every answer. @throws CodecError for another size */
export function decodeKvpStatus(bytes: Uint8Array): number {
  return KvpFrame.of(bytes).u32(0);
}

/** @param operation what was asked; an answer does not repeat it. @throws CodecError as for a request */
export function decodeKvpAnswer(operation: KvpOperation, bytes: Uint8Array): KvpAnswer {
  const frame = KvpFrame.of(bytes);
  const status = frame.u32(0);
  if (status !== 0) return { status };
  switch (operation) {
    case 'get':
      return { status, value: decodeKvpValue(frame, VALUE_AT) };
    case 'enumerate':
      return { status, key: frame.text(LISTED_KEY), value: decodeKvpValue(frame, LISTED_VALUE_AT) };
    case 'get-ip-info':
      return { status, info: decodeIpInfo(frame) };
    case 'set':
    case 'delete':
    case 'set-ip-info':
      return { status };
  }
}

/** The daemon's side. @throws CodecError when a text does not fit */
export function encodeKvpAnswer(operation: KvpOperation, answer: KvpAnswer): Uint8Array {
  const frame = KvpFrame.empty().setU32(0, answer.status);
  if (answer.key !== undefined) frame.setU32(12, frame.setText(LISTED_KEY, answer.key));
  if (answer.value !== undefined) {
    encodeKvpValue(frame, operation === 'enumerate' ? LISTED_VALUE_AT : VALUE_AT, answer.value);
  }
  if (answer.info !== undefined) encodeIpInfo(frame, answer.info);
  return frame.bytes;
}

/** The first message of a daemon, and the driver's answer with its version. */
export interface KvpRegistration {
  /** True for operation 4 of kernels before 3.3, which differs from get-ip-info only in its direction. */
  readonly legacy: boolean;
  readonly version: string;
}

export function encodeKvpRegistration({ legacy, version }: KvpRegistration): Uint8Array {
  const frame = KvpFrame.empty().setU8(0, legacy ? REGISTER : REGISTER1);
  frame.setText(VERSION, version);
  return frame.bytes;
}

/** @throws CodecError when it is not a registration */
export function decodeKvpRegistration(bytes: Uint8Array): KvpRegistration {
  const frame = KvpFrame.of(bytes);
  const operation = frame.u8(0);
  if (operation !== REGISTER && operation !== REGISTER1) {
    throw new CodecError('operation', 0, `${operation} is not a registration`);
  }
  return { legacy: operation === REGISTER, version: frame.text(VERSION) };
}

function operationOf(value: number): KvpOperation {
  switch (value) {
    case 0:
      return 'get';
    case 1:
      return 'set';
    case 2:
      return 'delete';
    case 3:
      return 'enumerate';
    case 4:
      return 'get-ip-info';
    case 5:
      return 'set-ip-info';
    default:
      throw new CodecError('operation', 0, `${value} is not known`);
  }
}

function checkedPool(pool: number): number {
  if (Number.isInteger(pool) && pool >= 0 && pool <= Pool.autoInternal) return pool;
  throw new CodecError('pool', 1, `${pool} does not exist`);
}
