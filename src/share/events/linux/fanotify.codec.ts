import { CodecError } from '../../../core/values/index.js';

/**
 * Bits of an event's mask, of linux/fanotify.h. Several of one file may come as one event:
 * https://man7.org/linux/man-pages/man7/fanotify.7.html.
 */
export const FANOTIFY = {
  modify: 0x2,
  attributes: 0x4,
  closeWrite: 0x8,
  create: 0x100,
  delete: 0x200,
  overflow: 0x4000,
  rename: 0x1000_0000,
  isFolder: 0x4000_0000,
} as const;

/** A name in a folder, which is known by its file handle. */
export interface FolderEntry {
  readonly folder: string;
  /** `.` for the folder itself; undefined if it is not UTF-8. */
  readonly name: string | undefined;
}

export interface FanotifyEvent {
  readonly mask: number;
  /** The process that made the change; 0 if it is outside of this PID namespace. */
  readonly pid: number;
  readonly entry: FolderEntry | undefined;
  /** Of a rename. */
  readonly from: FolderEntry | undefined;
  readonly to: FolderEntry | undefined;
  /** The file handle of what the event is about. */
  readonly target: string | undefined;
}

/** struct fanotify_event_metadata: u32 length, u8 version, u8, u16 metadata length, u64 mask, s32 fd, s32 pid. */
const METADATA_BYTES = 24;
const VERSION = 3;
/** struct fanotify_event_info_fid: u8 type, u8, u16 length, u8[8] fsid, u32 handle bytes, s32 handle type. */
const INFO_BYTES = 20;
const INFO = { target: 1, entry: 2, from: 10, to: 12 } as const;
/** MAX_HANDLE_SZ. */
export const MAX_HANDLE_BYTES = 128;

/** A key for a file handle, unique in the whole system. @param handle struct file_handle, without its bytes' number */
export function handleKey(fsid: Uint8Array, type: number, handle: Uint8Array): string {
  let key = `${type}:`;
  for (const byte of fsid) key += byte.toString(16).padStart(2, '0');
  for (const byte of handle) key += byte.toString(16).padStart(2, '0');
  return key;
}

/**
 * Decodes what one read(2) of a fanotify group gave, for groups with FAN_REPORT_DFID_NAME_TARGET, in this machine's byte
 * order (little endian on all platforms of Node with Linux that mobyvm runs on). Records of unknown types are skipped.
 * @throws CodecError
 */
export function decodeFanotifyEvents(bytes: Uint8Array): readonly FanotifyEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const events: FanotifyEvent[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < METADATA_BYTES) throw new CodecError('metadata', at, 'is cut off');
    const length = view.getUint32(at, true);
    const metadata = view.getUint16(at + 6, true);
    if (view.getUint8(at + 4) !== VERSION) throw new CodecError('version', at + 4, `is not ${VERSION}`);
    if (length < metadata || metadata < METADATA_BYTES || length > bytes.length - at)
      throw new CodecError('length', at, `is ${length}, ${bytes.length - at} are left`);
    const infos = decodeInfos(bytes.subarray(at + metadata, at + length), at + metadata);
    events.push({
      mask: view.getUint32(at + 8, true),
      pid: view.getInt32(at + 20, true),
      ...infos,
    });
    at += length;
  }
  return events;
}

type Infos = Pick<FanotifyEvent, 'entry' | 'from' | 'to' | 'target'>;

function decodeInfos(bytes: Uint8Array, offset: number): Infos {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const infos: { -readonly [K in keyof Infos]: Infos[K] } = {
    entry: undefined,
    from: undefined,
    to: undefined,
    target: undefined,
  };
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < 4) throw new CodecError('info', offset + at, 'is cut off');
    const type = view.getUint8(at);
    const length = view.getUint16(at + 2, true);
    if (length < 4 || length > bytes.length - at)
      throw new CodecError('info length', offset + at, `is ${length}, ${bytes.length - at} are left`);
    const info = bytes.subarray(at, at + length);
    if (type === INFO.target) infos.target = decodeEntry(info, offset + at).folder;
    else if (type === INFO.entry) infos.entry = decodeEntry(info, offset + at);
    else if (type === INFO.from) infos.from = decodeEntry(info, offset + at);
    else if (type === INFO.to) infos.to = decodeEntry(info, offset + at);
    at += length;
  }
  return infos;
}

function decodeEntry(info: Uint8Array, offset: number): FolderEntry {
  if (info.length < INFO_BYTES) throw new CodecError('info', offset, 'is cut off');
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength);
  const size = view.getUint32(12, true);
  if (size > MAX_HANDLE_BYTES || size > info.length - INFO_BYTES)
    throw new CodecError('handle', offset + 12, `has ${size} bytes, ${info.length - INFO_BYTES} are left`);
  const handle = info.subarray(INFO_BYTES, INFO_BYTES + size);
  const name = info.subarray(INFO_BYTES + size);
  const end = name.indexOf(0);
  return {
    folder: handleKey(info.subarray(4, 12), view.getInt32(16, true), handle),
    name: textOf(end < 0 ? name : name.subarray(0, end)),
  };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
