import { formatOctalMode } from '../../core/values/index.js';
import type { Share } from '../share.js';

/**
 * Options of mount.cifs(8) that are the same for every share. docs/shares.md says what each was chosen for, and
 * bench/share measures them.
 */
const SAME_FOR_ALL = [
  'vers=3.1.1',
  'cache=strict',
  // Attributes are asked for again after a second: what the host changes is seen soon.
  'actimeo=1',
  // A file is closed on the host when a container closes it: a deferred close keeps others from renaming it.
  'closetimeo=0',
  'echo_interval=4',
  // A server that is gone fails a request instead of blocking the container.
  'soft',
  'nosharesock',
  'serverino',
  'rsize=4194304',
  'wsize=4194304',
  // Locks are kept among containers. SMB's are mandatory: programs that expect advisory ones, as SQLite, fail.
  'nobrl',
  'mfsymlinks',
  'mapposix',
  'iocharset=utf8',
  'noperm',
] as const;

/** What a share is mounted with. */
export function mountOptions({ owner, isReadOnly }: Pick<Share, 'owner' | 'isReadOnly'>): readonly string[] {
  return [
    isReadOnly ? 'ro' : 'rw',
    ...SAME_FOR_ALL,
    `uid=${owner.uid}`,
    `gid=${owner.gid}`,
    'forceuid',
    'forcegid',
    `file_mode=${formatOctalMode(owner.fileMode)}`,
    `dir_mode=${formatOctalMode(owner.directoryMode)}`,
  ];
}
