import {
  linuxProcessTable,
  posixProtection,
  run,
  windowsProgram,
  type FileProtection,
  type ProcessTable,
} from '../core/host/index.js';
import type { CredentialStore } from '../share/index.js';
import { credentialManager, globalMutexes, windowsProcesses, windowsProtection } from '../windows/index.js';
import { rightsOf, type HostPlatform, type Rights } from '../protocol/platform.js';
import type { BackgroundStart } from './host-side/background-start.js';
import { isElevated } from './doctor/whoami.codec.js';
import { backgroundProcess } from './linux/background-process.js';
import { fileLock, type LockPlace } from './process-lock.js';
import { mutexLock } from './windows/mutex-lock.js';
import { backgroundService } from './windows/background-service.js';

/** What a platform has its own way of doing; the same interfaces on each. */
export interface HostServices {
  readonly processes: ProcessTable;
  /** @param path of a file that names the holder */
  readonly lockAt: (path: string) => LockPlace;
  readonly rights: Rights;
  readonly files: FileProtection;
  /** Passwords of shares. @param path of the file for them, where they are in a file */
  readonly credentialsAt: (path: string) => Promise<CredentialStore>;
  readonly background: BackgroundStart;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @param userId undefined where users have no number */
export function hostServices(
  platform: HostPlatform,
  { userId, env }: { readonly userId: number | undefined; readonly env: Environment },
): HostServices {
  switch (platform) {
    case 'linux':
      return {
        processes: linuxProcessTable,
        lockAt: (path) => fileLock(path, linuxProcessTable),
        rights: rightsOf(platform, () => Promise.resolve(userId === 0)),
        files: posixProtection,
        credentialsAt: async (path) => (await import('../share/index.js')).fileCredentials(path),
        background: backgroundProcess,
      };
    case 'windows':
      return {
        processes: windowsProcesses,
        lockAt: (path) => mutexLock({ path, mutexes: globalMutexes, processes: windowsProcesses }),
        rights: rightsOf(platform, () => hasElevation(env)),
        files: windowsProtection,
        credentialsAt: async (path) =>
          (await import('../share/index.js')).windowsCredentials(path, credentialManager),
        background: backgroundService,
      };
  }
}

async function hasElevation(env: Environment): Promise<boolean> {
  try {
    const { stdout } = await run(windowsProgram('whoami', env['SystemRoot']), ['/groups']);
    return isElevated(stdout) === true;
  } catch {
    return false;
  }
}
