import { CodecError } from '../../core/values/index.js';

/**
 * One line of `/etc/group`, `name:password:gid:member,member`:
 * https://man7.org/linux/man-pages/man5/group.5.html.
 */
export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const MAX_GID = 0xffff_ffff - 1;

/**
 * Returns the group's id, or undefined if there is no such group. Skips malformed lines, as the C library
 * does.
 */
export function findGroupId(text: string, name: string): number | undefined {
  for (const line of text.split('\n')) {
    if (!line.startsWith(`${name}:`)) continue;
    try {
      return decodeGroupEntry(line).gid;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
  }
  return undefined;
}

/**
 * Decodes one line, without its line feed.
 * @throws CodecError
 */
export function decodeGroupEntry(line: string): GroupEntry {
  const [name, password, gidText, memberText, ...rest] = line.split(':');
  if (name === undefined || name === '' || name.includes('\n')) {
    throw new CodecError('name', 0, 'is empty or not one line');
  }
  if (password === undefined || gidText === undefined || memberText === undefined || rest.length > 0) {
    throw new CodecError('entry', line.length, 'does not have the four fields name:password:gid:members');
  }
  const gid = /^\d{1,10}$/.test(gidText) ? Number(gidText) : NaN;
  if (!(gid <= MAX_GID)) {
    throw new CodecError('gid', name.length + password.length + 2, 'is not a group id');
  }
  return { name, gid, members: memberText.split(',').filter((member) => member !== '') };
}

/**
 * Encodes an entry without the line feed. The password field is `x`, as for a group whose password is in
 * gshadow.
 */
export function encodeGroupEntry(entry: GroupEntry): string {
  return `${entry.name}:x:${entry.gid}:${entry.members.join(',')}`;
}
