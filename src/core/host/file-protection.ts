import { chmod, lstat, stat } from 'node:fs/promises';
import { MobyvmError } from '../values/index.js';
import { fileAccessError, makeFolder } from './atomic-file.js';
import { fileMode, folderMode } from './file-access.js';
import { noSeal, type SecretSeal } from './secret-seal.js';

/**
 * What a folder holds, which decides who may enter it:
 * - `private`: keys, certificates, the VM's disk and sockets. Root alone; Windows: SYSTEM and administrators.
 * - `state`: some secrets among other files. On Linux each file has its own mode and the folder may be entered;
 *   on Windows, where files have the access of their folder, as `private`.
 * - `run`: sockets and locks. Everybody may enter it; the sockets have their own access.
 * - `log`: everybody may enter it on Linux, where each log has its own mode; on Windows as `private`.
 */
export type FolderUse = 'private' | 'state' | 'run' | 'log';

/**
 * Keeps secrets from other users of the host. `test/contract/file-protection.ts` is the behaviour that each
 * implementation has.
 */
export interface FileProtection {
  /**
   * Creates the folder and its parents if they are missing. An existing `private` folder, on Windows also `state`, is
   * restricted again; the others may be shared with other programs, and keep their access.
   * @throws MobyvmError MOBYVM_FOREIGN_OBJECT for a `private` folder, on Windows any, that another user could replace;
   *   MOBYVM_STATE_FILE, MOBYVM_DISK_FULL
   */
  folder(path: string, use: FolderUse): Promise<void>;
  /** For secrets in the files. */
  readonly seal: SecretSeal;
  /** Restricts an existing file, for example one that was restored from a copy, to its owner. */
  file(path: string): Promise<void>;
}

/** Modes and ownership. */
export const posixProtection: FileProtection = {
  seal: noSeal,
  async folder(path, use) {
    const isPrivate = use === 'private';
    await makeFolder(path, isPrivate ? 'owner' : 'everyone');
    if (!isPrivate) return;
    await refuseForeign(path);
    await restrict(path, folderMode('owner'));
  },
  file: (path) => restrict(path, fileMode('owner')),
};

async function restrict(path: string, mode: number): Promise<void> {
  try {
    await chmod(path, mode);
  } catch (error) {
    throw fileAccessError(path, error);
  }
}

/** Whoever owns the folder, or a link in its place, can let others in again or put another folder there. */
async function refuseForeign(path: string): Promise<void> {
  const own = process.getuid?.() ?? 0;
  const owners = [(await lstat(path)).uid, (await stat(path)).uid];
  const foreign = owners.find((owner) => owner !== own && owner !== 0);
  if (foreign === undefined) return;
  throw new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `${path} belongs to the user with the id ${foreign}, and mobyvm would keep secrets in it.`,
    `Check what is in it. Then move it away, or make it root's: chown -hR root: '${path}'`,
    { details: { path, owner: foreign } },
  );
}
