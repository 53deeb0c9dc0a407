import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { link, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import {
  fileAccessError,
  fileMode,
  makeFolder,
  readFileIfPresent,
  sleep,
  type ProcessTable,
} from '../core/host/index.js';
import { errnoOf, MobyvmError } from '../core/values/index.js';

const holderSchema = z.strictObject({
  pid: z.int().positive(),
  /** The process table's start id, opaque here: the pid alone is not enough, since pids are reused. */
  startTime: z.string().min(1),
  startedAt: z.string(),
});
export type LockHolder = z.infer<typeof holderSchema>;

/**
 * What only one process of an instance has at a time. A dead process has no locks.
 *
 * On Linux this is a file, see {@link fileLock}. On Windows it is a mutex, see `windows/mutex-lock.ts`.
 * `test/contract/process-lock.ts` is the behaviour that each implementation has.
 */
export interface LockPlace {
  /** @throws MobyvmError MOBYVM_DAEMON_RUNNING naming the process that holds it */
  take(): Promise<ProcessLock>;
  /** The living process that holds it. */
  holder(): Promise<LockHolder | undefined>;
}

export interface ProcessLock {
  /** Takes it again if its file is gone. True if it was. @throws MobyvmError MOBYVM_DAEMON_RUNNING when another was quicker */
  restore(): Promise<boolean>;
  release(): Promise<void>;
  /** For the `exit` event of a process, which waits for nothing. */
  releaseAtExit(): void;
}

const GATE_POLL_MS = 10;
const GATE_STALE_MS = 60_000;

/** A lock file; a file whose process is dead is taken over. */
export function fileLock(path: string, processes: ProcessTable): LockPlace {
  const holder = async (): Promise<LockHolder | undefined> => {
    const named = holderOf(await readFileIfPresent(path));
    const lives =
      named !== undefined && (await processes.isAlive({ pid: named.pid, startId: named.startTime }));
    return lives ? named : undefined;
  };
  return {
    holder,
    async take() {
      const mine = JSON.stringify(await ownEntry(processes, 'Make sure that /proc is mounted.'));
      await put(mine, path, holder);
      return {
        restore: async () => {
          if ((await readFileIfPresent(path)) === mine) return false;
          await put(mine, path, holder);
          return true;
        },
        release: async () => {
          if ((await readFileIfPresent(path)) === mine) await rm(path, { force: true });
        },
        releaseAtExit: () => {
          try {
            if (readFileSync(path, 'utf8') === mine) rmSync(path, { force: true });
          } catch {
            // Gone already, or left to the next starter, who finds that its process is dead.
          }
        },
      };
    },
  };
}

/** @throws MobyvmError MOBYVM_PLATFORM without a start id: a lock that names no process would exclude none */
export async function ownEntry(processes: ProcessTable, remedy: string): Promise<LockHolder> {
  const own = await processes.find(process.pid);
  if (own === undefined) {
    throw new MobyvmError(
      'MOBYVM_PLATFORM',
      'The process table of this system cannot be read, so nothing would keep a second daemon from starting.',
      remedy,
    );
  }
  return { pid: own.pid, startTime: own.startId, startedAt: new Date().toISOString() };
}

type Holder = LockPlace['holder'];

async function put(text: string, path: string, holder: Holder): Promise<void> {
  await makeFolder(dirname(path));
  const prepared = `${path}.${randomUUID()}`;
  await writeFile(prepared, text, { mode: fileMode('everyone') }).catch((error: unknown) => {
    throw fileAccessError(path, error);
  });
  try {
    while (!(await linkIfFree(prepared, path))) await removeIfDead(path, holder);
  } finally {
    await rm(prepared, { force: true });
  }
}

/** A hard link appears with its whole content or not at all, so a half-written lock is never read. */
async function linkIfFree(prepared: string, path: string): Promise<boolean> {
  try {
    await link(prepared, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfDead(path: string, holder: Holder): Promise<void> {
  const living = await holder();
  if (living !== undefined) throw runningError(living);
  // Two starters may see the same dead lock. Only the one that has the gate looks again and removes it, so that
  // nobody removes the other's new lock.
  const gate = `${path}.gate`;
  if (!(await enterGate(gate))) return sleep(GATE_POLL_MS);
  try {
    if ((await holder()) === undefined) await rm(path, { force: true });
  } finally {
    await rm(gate, { recursive: true, force: true });
  }
}

export function runningError({ pid, startedAt }: LockHolder): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DAEMON_RUNNING',
    `A mobyvm daemon (pid ${pid}) has been running since ${startedAt}.`,
    'Use it (`mobyvm status`), or end it with `mobyvm down`.',
    { details: { pid } },
  );
}

/** Making a folder succeeds for exactly one. A gate that is minutes old belongs to a process that died inside. */
async function enterGate(gate: string): Promise<boolean> {
  try {
    await mkdir(gate);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const made = await stat(gate).catch(() => undefined);
    if (made !== undefined && Date.now() - made.mtimeMs > GATE_STALE_MS)
      await rm(gate, { recursive: true, force: true });
    return false;
  }
}

/** @param text of the file; undefined, or not written by a daemon, names nobody */
export function holderOf(text: string | undefined): LockHolder | undefined {
  try {
    return text === undefined ? undefined : holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
