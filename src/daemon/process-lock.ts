import { randomUUID } from 'node:crypto';
import { link, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { cannotUse, isAlive, makeFolder, readFileIfPresent, findProcess, sleep } from '../core/host/index.js';
import { errnoOf, MobyvmError } from '../core/values/index.js';

const holderSchema = z.strictObject({
  pid: z.int().positive(),
  startTime: z.string(),
  startedAt: z.string(),
});
/** A process: its id alone is not enough, since ids are given again; its start time (clock ticks since boot) makes it one. */
export type LockHolder = z.infer<typeof holderSchema>;

export interface ProcessLock {
  /** Takes it again when its file is gone. True when it was. @throws MobyvmError MOBYVM_DAEMON_RUNNING when another was quicker */
  restore(): Promise<boolean>;
  release(): Promise<void>;
}

const GATE_POLL_MS = 10;
const GATE_STALE_MS = 60_000;

/**
 * Takes the lock that makes this process the one daemon of a run folder. A lock of a dead process is taken over.
 * @throws MobyvmError MOBYVM_DAEMON_RUNNING naming the process that holds it
 */
export async function takeLock(path: string): Promise<ProcessLock> {
  const startTime = (await findProcess(process.pid))?.startTicks ?? '';
  const mine = JSON.stringify({ pid: process.pid, startTime, startedAt: new Date().toISOString() });
  await put(mine, path);
  return {
    restore: async () => {
      if ((await readFileIfPresent(path)) === mine) return false;
      await put(mine, path);
      return true;
    },
    release: async () => {
      if ((await readFileIfPresent(path)) === mine) await rm(path, { force: true });
    },
  };
}

async function put(text: string, path: string): Promise<void> {
  await makeFolder(dirname(path));
  const prepared = `${path}.${randomUUID()}`;
  await writeFile(prepared, text, { mode: 0o644 }).catch((error: unknown) => {
    throw cannotUse(path, error);
  });
  try {
    while (!(await linkIfFree(prepared, path))) await removeIfDead(path);
  } finally {
    await rm(prepared, { force: true });
  }
}

/** The living process that holds the lock, or undefined. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const text = await readFileIfPresent(path);
  const holder = text === undefined ? undefined : parseHolder(text);
  const lives = holder !== undefined && (await isAlive({ pid: holder.pid, startTicks: holder.startTime }));
  return lives ? holder : undefined;
}

/** A hard link appears with its whole content or not at all, so nobody ever reads a half-written lock. */
async function linkIfFree(prepared: string, path: string): Promise<boolean> {
  try {
    await link(prepared, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfDead(path: string): Promise<void> {
  const holder = await lockHolder(path);
  if (holder !== undefined) {
    throw new MobyvmError(
      'MOBYVM_DAEMON_RUNNING',
      `A mobyvm daemon (pid ${holder.pid}) already runs since ${holder.startedAt}.`,
      'Use it (`mobyvm status`), or end it with `mobyvm down`.',
      { details: { pid: holder.pid } },
    );
  }
  // Two starters may see the same dead lock: only who has the gate looks again and removes it, so that nobody removes
  // the other's new lock.
  const gate = `${path}.gate`;
  if (!(await enterGate(gate))) return sleep(GATE_POLL_MS);
  try {
    if ((await lockHolder(path)) === undefined) await rm(path, { force: true });
  } finally {
    await rm(gate, { recursive: true, force: true });
  }
}

/** Making a folder succeeds for exactly one. A gate that is minutes old belongs to somebody who died inside. */
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

function parseHolder(text: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    // Whatever it is, no daemon of ours wrote it: locks appear whole.
    return undefined;
  }
}
