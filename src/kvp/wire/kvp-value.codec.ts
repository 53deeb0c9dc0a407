import { CodecError } from '../../core/values/index.js';
import type { KvpFrame, TextPlace } from './kvp-frame.js';

/**
 * A value with a registry type of include/uapi/linux/hyperv.h: REG_SZ 1, REG_U32 4, REG_U64 8. The Linux driver converts
 * numbers to decimal text on the way in and reports every value as REG_SZ, so the other types are rare.
 */
export type KvpValue =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'u32'; readonly number: number }
  | { readonly type: 'u64'; readonly number: bigint };

export interface ValuePlace {
  readonly type: number;
  readonly size: number;
  readonly value: number;
}

const REG_SZ = 1;
const REG_U32 = 4;
const REG_U64 = 8;

export function textValue(text: string): KvpValue {
  return { type: 'text', text };
}

/** As it would be shown. */
export function valueText(value: KvpValue): string {
  return value.type === 'text' ? value.text : String(value.number);
}

/** @throws CodecError when a text does not fit */
export function encodeKvpValue(frame: KvpFrame, place: ValuePlace, value: KvpValue): void {
  switch (value.type) {
    case 'text':
      frame.setU32(place.type, REG_SZ).setU32(place.size, frame.setText(textPlace(place), value.text));
      return;
    case 'u32':
      frame.setU32(place.type, REG_U32).setU32(place.size, 4).setU32(place.value, value.number);
      return;
    case 'u64':
      frame.setU32(place.type, REG_U64).setU32(place.size, 8).setU64(place.value, value.number);
      return;
  }
}

/** @throws CodecError for another type, or a text that is not terminated UTF-8 */
export function decodeKvpValue(frame: KvpFrame, place: ValuePlace): KvpValue {
  const type = frame.u32(place.type);
  switch (type) {
    // hv_kvp_daemon returns the type from the request, which is 0 if the request had none.
    case 0:
    case REG_SZ:
      return textValue(frame.text(textPlace(place)));
    case REG_U32:
      return { type: 'u32', number: frame.u32(place.value) };
    case REG_U64:
      return { type: 'u64', number: frame.u64(place.value) };
    default:
      throw new CodecError('value_type', place.type, `${type} is not known`);
  }
}

function textPlace(place: ValuePlace): TextPlace {
  return { at: place.value, size: 2_048, field: 'value' };
}
