import { MobyvmError } from '../../core/values/index.js';
import { closeHandle } from '../calls/handles.js';
import { lastError } from '../calls/last-error.js';
import type { Handle } from '../calls/libraries.js';
import { createMutex, MUTEX, openMutex, releaseMutex } from '../calls/mutexes.js';
import { WAIT, waitForSingleObject } from '../calls/processes.js';
import { securityAttributes } from '../calls/security-attributes.js';
import {
  localFree,
  OBJECT_TYPE,
  ownSid,
  SECURITY_PART,
  securityDescriptor,
  securityOf,
} from '../calls/security.js';
import { ERROR } from '../error-codes.js';
import { isTrusted, securityFrom } from '../security.plan.js';
import type { GlobalMutexes, HeldMutex } from './mutexes.js';

/**
 * Owned by Administrators. SYSTEM and Administrators fully. Users may see that it exists, but not wait for it: whoever waits for a mutex may
 * get it. MUTANT_QUERY_STATE and READ_CONTROL:
 * https://learn.microsoft.com/windows/win32/sync/synchronization-object-security-and-access-rights
 */
const SECURITY = 'O:BAD:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;0x20001;;;BU)';

/** Named mutexes of this Windows host, in the namespace of all its sessions. */
export class WindowsGlobalMutexes implements GlobalMutexes {
  /** A thread gets a mutex that it has already as often as it asks. */
  readonly #own = new Set<string>();

  take(name: string): HeldMutex | 'held' | 'foreign' {
    if (this.#own.has(name)) return 'held';
    const mutex = this.#open(name);
    if (mutex === 'foreign') return mutex;
    const state = waitForSingleObject(mutex, 0);
    // Abandoned: its holder was killed, and now it is ours.
    if (state !== WAIT.object && state !== WAIT.abandoned) {
      closeHandle(mutex);
      if (state === WAIT.timeout) return 'held';
      throw lastError('WaitForSingleObject');
    }
    this.#own.add(name);
    return {
      release: () => {
        if (!this.#own.delete(name)) return;
        releaseMutex(mutex);
        closeHandle(mutex);
      },
    };
  }

  exists(name: string): boolean {
    if (this.#own.has(name)) return true;
    const mutex = openMutex(MUTEX.queryState, 0, globalName(name));
    if (mutex !== 0) {
      closeHandle(mutex);
      return true;
    }
    const refusal = lastError('OpenMutexW');
    if (refusal.windowsCode === ERROR.fileNotFound) return false;
    if (refusal.windowsCode === ERROR.accessDenied) return true;
    throw refusal;
  }

  /** Any user may create objects in this namespace, and with them a mutex that only he can get. */
  #open(name: string): Handle | 'foreign' {
    const descriptor = securityDescriptor(SECURITY);
    const mutex = createMutex(securityAttributes(descriptor), 0, globalName(name));
    const refusal = mutex === 0 ? lastError('CreateMutexW') : undefined;
    localFree(descriptor);
    if (refusal !== undefined) {
      if (refusal.windowsCode === ERROR.accessDenied) return 'foreign';
      throw refusal.windowsCode === ERROR.invalidOwner ? notElevatedError(refusal) : refusal;
    }
    const { owner } = securityFrom(securityOf(mutex, OBJECT_TYPE.kernelObject, SECURITY_PART.owner));
    if (isTrusted(owner, ownSid())) return mutex;
    closeHandle(mutex);
    return 'foreign';
  }
}

function notElevatedError(cause: Error): MobyvmError {
  return new MobyvmError(
    'MOBYVM_NOT_ROOT',
    'Only an administrator can start the daemon.',
    'Run the command from an elevated prompt ("Run as administrator").',
    { cause },
  );
}

/** https://learn.microsoft.com/windows/win32/termserv/kernel-object-namespaces */
function globalName(name: string): string {
  return `Global\\${name}`;
}
