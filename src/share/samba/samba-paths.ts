import { join } from 'node:path';
import { MobyvmError } from '../../core/values/index.js';
import { isPlainPath, type SambaPaths } from './smb-conf.plan.js';

/**
 * `sun_path` has 108 bytes with its terminating NUL (https://man7.org/linux/man-pages/man7/unix.7.html); smbd's
 * processes talk over sockets named by their ids in `private/msg.sock`.
 */
const MAX_FOLDER_BYTES = 107 - '/private/msg.sock/4194304'.length;

/** @throws MobyvmError MOBYVM_SHARE_SERVER if smb.conf cannot name them, or a socket's name would not fit */
export function sambaPaths(runDir: string, logDir: string): SambaPaths {
  const folder = join(runDir, 'samba');
  for (const [path, variable] of [
    [folder, 'MOBYVM_RUN_DIR'],
    [logDir, 'MOBYVM_LOG_DIR'],
  ] as const) {
    if (isPlainPath(path)) continue;
    throw pathError(`The path ${path} has a character that smb.conf cannot carry`, variable);
  }
  if (Buffer.byteLength(folder) > MAX_FOLDER_BYTES) {
    throw pathError(
      `The path ${folder} is longer than the ${MAX_FOLDER_BYTES} bytes that Samba's sockets allow`,
      'MOBYVM_RUN_DIR',
    );
  }
  return {
    folder,
    config: join(folder, 'smb.conf'),
    passwords: join(folder, 'private/smbpasswd'),
    userMap: join(folder, 'usermap'),
    links: join(folder, 'shares'),
    pidFile: join(folder, 'smbd.pid'),
    log: join(logDir, 'samba.log'),
  };
}

/** The folders that smbd expects to exist, besides the one that holds them. */
export function sambaFolders({ folder, links }: SambaPaths): readonly string[] {
  return [...['private', 'lock', 'state', 'cache', 'ncalrpc'].map((name) => join(folder, name)), links];
}

function pathError(problem: string, variable: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_SHARE_SERVER',
    `${problem}.`,
    `Use a folder with a plain, shorter name (${variable}).`,
  );
}

/** Where our smbd writes its pid; what it and its children write was asked for by the VM. */
export function sambaPidFile(runDir: string): string {
  return sambaPaths(runDir, runDir).pidFile;
}
