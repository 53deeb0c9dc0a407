import { readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSetAside } from '../core/host/index.js';
import { errnoOf } from '../core/values/index.js';
import type { InstancePaths } from '../protocol/paths.js';

/** Log files with the numbers that rotation gives them. */
const LOG_FILE = /^(?:daemon\d*\.(?:log|out)|console\.log(?:\.\d+)?|qemu\.log|samba\.log(?:\.old)?)$/;
/** Samba makes them beside its log, whether or not it may write its memory there when it crashes. */
const SAMBA_FOLDERS = ['cores/smbd', 'cores'];

/**
 * Deletes what a daemon uses until its very end: its logs, its identity, the sockets' folder. Runs synchronously, as the
 * last act of the process. Folders stay if they hold anything else: what mobyvm did not create, or a data disk that is
 * kept. Nothing ties that disk to the machine's identity, so the next `up` uses it with a new one.
 */
export function removeUninstalledFiles(paths: InstancePaths): void {
  for (const name of namesIn(paths.logDir)) {
    if (LOG_FILE.test(name)) rmSync(join(paths.logDir, name), { force: true });
  }
  for (const folder of [paths.stateDir, paths.vmStateDir]) {
    for (const name of namesIn(folder)) if (isSetAside(name)) rmSync(join(folder, name), { force: true });
  }
  for (const file of [paths.startLockFile, paths.identityFile]) {
    rmSync(file, { force: true });
  }
  const inLogs = SAMBA_FOLDERS.map((name) => join(paths.logDir, name));
  for (const folder of [
    ...inLogs,
    paths.vmRunDir,
    paths.runDir,
    paths.logDir,
    paths.vmStateDir,
    paths.stateDir,
  ]) {
    removeIfEmpty(folder);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
  }
}
