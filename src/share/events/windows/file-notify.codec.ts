import { CodecError } from '../../../core/values/index.js';
import type { HostChange } from '../host-watcher.js';

/** What ReadDirectoryChangesW says about one name: https://learn.microsoft.com/windows/win32/api/winnt/ns-winnt-file_notify_information. */
export interface FileNotification {
  readonly action: 'added' | 'removed' | 'modified' | 'renamed-from' | 'renamed-to';
  /** Below the watched folder, with backslashes. */
  readonly name: string;
}

/** FILE_ACTION_… of winnt.h. */
const ACTIONS: Readonly<Record<number, FileNotification['action']>> = {
  1: 'added',
  2: 'removed',
  3: 'modified',
  4: 'renamed-from',
  5: 'renamed-to',
};
/** u32 offset of the next record from this one, u32 action, u32 bytes of the name, then the name in UTF-16. */
const HEADER_BYTES = 12;
/** 32,767 characters, the longest path of NTFS. */
const MAX_NAME_BYTES = 65_534;

/**
 * Decodes a buffer of ReadDirectoryChangesW. Windows pads records to multiples of four, Wine does not. Actions that are
 * not known are skipped.
 * @param bytes as many as the call returned; none means that there were too many changes for the buffer
 * @throws CodecError
 */
export function decodeFileNotifications(bytes: Uint8Array): readonly FileNotification[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: FileNotification[] = [];
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < HEADER_BYTES) throw new CodecError('record', at, 'is cut off');
    const next = view.getUint32(at, true);
    const action = ACTIONS[view.getUint32(at + 4, true)];
    const size = view.getUint32(at + 8, true);
    const end = next === 0 ? bytes.length : at + next;
    if (size % 2 !== 0 || size > MAX_NAME_BYTES || size > end - at - HEADER_BYTES || end > bytes.length)
      throw new CodecError('name', at + 8, `has ${size} bytes, ${end - at - HEADER_BYTES} are there`);
    if (next !== 0 && end === bytes.length)
      throw new CodecError('next', at, `is ${next}, which no record begins at`);
    const name = nameIn(view, at + HEADER_BYTES, size);
    if (action !== undefined) found.push({ action, name });
    at = end;
  }
  return found;
}

function nameIn(view: DataView, at: number, size: number): string {
  let name = '';
  for (let offset = 0; offset < size; offset += 2)
    name += String.fromCharCode(view.getUint16(at + offset, true));
  return name;
}

/**
 * The changes that the notifications of one folder mean. Windows does not say what is a folder, nor tells content from
 * attributes; a writer that closed its file is not seen. The two names of a move inside the folder come one after the
 * other, and a name alone comes from elsewhere or goes there.
 * @param root the watched folder, such as `C:\site`
 */
export function changesOfNotifications(
  notifications: readonly FileNotification[],
  root: string,
): readonly HostChange[] {
  const changes: HostChange[] = [];
  const pathOf = (name: string): string => (root.endsWith('\\') ? `${root}${name}` : `${root}\\${name}`);
  let from: string | undefined;
  const leave = (): void => {
    if (from !== undefined) changes.push({ kind: 'deleted', path: from, isFolder: false });
    from = undefined;
  };
  for (const { action, name } of notifications) {
    const path = pathOf(name);
    if (action === 'renamed-to' && from !== undefined) {
      changes.push({ kind: 'moved', path: from, to: path, isFolder: false });
      from = undefined;
      continue;
    }
    leave();
    if (action === 'renamed-from') from = path;
    else if (action === 'removed') changes.push({ kind: 'deleted', path, isFolder: false });
    else if (action !== 'modified') changes.push({ kind: 'created', path, isFolder: false });
    else
      changes.push({ kind: 'modified', path, isFolder: false }, { kind: 'written', path, isFolder: false });
  }
  leave();
  return changes;
}
