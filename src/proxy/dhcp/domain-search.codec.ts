/**
 * Option 119, a search list: https://www.rfc-editor.org/rfc/rfc3397#section-2. Names as length-prefixed labels,
 * each ended by a zero, or by a pointer to a suffix that an earlier name has:
 *
 *     length:u8 label:length … 0        length:u8 label:length … 11 offset:14
 *
 * Offsets count from the beginning of the option, however it is split:
 * https://www.rfc-editor.org/rfc/rfc1035#section-4.1.4
 */
import { ByteWriter, CodecError } from '../../core/values/index.js';

const MAX_LABEL_BYTES = 63;
const MAX_NAME_BYTES = 255;
const POINTER = 0xc000;
const MAX_OFFSET = 0x3fff;

/** @throws CodecError for a label over 63 bytes or a name over 255 */
export function domainSearchValue(names: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  const offsets = new Map<string, number>();
  for (const name of names) writeName(writer, labelsOf(name), offsets);
  return writer.done();
}

/** Whether it can be in a search list. */
export function isSearchable(name: string): boolean {
  try {
    return labelsOf(name).length > 0;
  } catch (error) {
    if (error instanceof CodecError) return false;
    throw error;
  }
}

function writeName(writer: ByteWriter, labels: readonly Uint8Array[], offsets: Map<string, number>): void {
  for (const [index, label] of labels.entries()) {
    const suffix = labels.slice(index).join('.');
    const offset = offsets.get(suffix);
    if (offset !== undefined) {
      writer.u16(POINTER + offset);
      return;
    }
    if (writer.length <= MAX_OFFSET) offsets.set(suffix, writer.length);
    writer.u8(label.length).put(label);
  }
  writer.u8(0);
}

function labelsOf(name: string): readonly Uint8Array[] {
  const labels = name
    .split('.')
    .filter((part) => part !== '')
    .map((label) => new TextEncoder().encode(label));
  const long = labels.find(({ length }) => length > MAX_LABEL_BYTES);
  if (long !== undefined) throw new CodecError('domain search', 0, `a label of "${name}" is over 63 bytes`);
  const length = labels.reduce((sum, label) => sum + label.length + 1, 1);
  if (length > MAX_NAME_BYTES) throw new CodecError('domain search', 0, `"${name}" is over 255 bytes`);
  return labels;
}
