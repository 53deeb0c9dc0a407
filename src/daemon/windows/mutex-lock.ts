import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { readFileIfPresent, sleep, writeFileAtomically, type ProcessTable } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import type { GlobalMutexes, HeldMutex } from '../../windows/index.js';
import { holderOf, ownEntry, runningError, type LockHolder, type LockPlace } from '../process-lock.js';

/** How long a process that has just taken the lock may need to write who it is. */
const NAMING_MS = 2_000;
const POLL_MS = 20;

export interface MutexLockOptions {
  /** Names the holder; the mutex is named by its path. */
  readonly path: string;
  readonly mutexes: () => Promise<GlobalMutexes>;
  readonly processes: ProcessTable;
}

/**
 * A mutex in the namespace of all sessions, which the system releases with its process. The file beside it only says
 * who holds it.
 */
export function mutexLock({ path, mutexes, processes }: MutexLockOptions): LockPlace {
  // Windows ignores the case of paths.
  const name = `mobyvm_${createHash('sha256').update(path.toLowerCase()).digest('hex').slice(0, 24)}`;
  const holder = async (): Promise<LockHolder | undefined> => {
    const system = await mutexes();
    for (let waitedMs = 0; system.exists(name); waitedMs += POLL_MS) {
      const named = holderOf(await readFileIfPresent(path));
      // What a killed holder wrote is there until the next one has written.
      const isNamed =
        named !== undefined && (await processes.isAlive({ pid: named.pid, startId: named.startTime }));
      if (isNamed) return named;
      if (waitedMs >= NAMING_MS) throw namelessError(path);
      await sleep(POLL_MS);
    }
    return undefined;
  };
  return {
    holder,
    async take() {
      const mine = await ownEntry(processes, 'Restart Windows, then run the command again.');
      const held = (await mutexes()).take(name);
      if (held === 'foreign') throw foreignError(name);
      if (held === 'held') {
        const other = await holder();
        throw other === undefined ? namelessError(path) : runningError(other);
      }
      return lockOf(held, path, JSON.stringify(mine));
    },
  };
}

async function lockOf(
  mutex: HeldMutex,
  path: string,
  mine: string,
): Promise<Awaited<ReturnType<LockPlace['take']>>> {
  const write = (): Promise<void> => writeFileAtomically(path, mine, 'everyone');
  try {
    await write();
  } catch (error) {
    mutex.release();
    throw error;
  }
  let isReleased = false;
  return {
    // The mutex itself cannot be lost.
    restore: async () => {
      if (isReleased || (await readFileIfPresent(path)) === mine) return false;
      await write();
      return true;
    },
    // The file first: afterwards it is the next holder's.
    release: async () => {
      if (isReleased) return;
      isReleased = true;
      await rm(path, { force: true });
      mutex.release();
    },
    releaseAtExit: () => {
      if (isReleased) return;
      isReleased = true;
      try {
        rmSync(path, { force: true });
      } catch {
        // The next holder replaces it.
      }
      mutex.release();
    },
  };
}

function foreignError(name: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `Another user's program has created the object Global\\${name}, which keeps mobyvm's daemon from starting.`,
    'Find the program with Process Explorer (Find Handle) and end it, or restart Windows.',
    { details: { name } },
  );
}

function namelessError(path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DAEMON_RUNNING',
    `A mobyvm daemon is running, but ${path} does not say which process it is.`,
    'Use it (`mobyvm status`), or end it with `mobyvm down`.',
    { details: { path } },
  );
}
