import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { errnoOf, MobyvmError, readFileIfPresent } from '../core/index.js';

const holderSchema = z.strictObject({
  pid: z.int().positive(),
  startTime: z.string(),
  startedAt: z.string(),
});
/** A process: its id alone is not enough, since ids are given again; its start time (clock ticks since boot) makes it one. */
export type LockHolder = z.infer<typeof holderSchema>;

/**
 * Takes the lock that makes this process the one daemon of a run folder. A lock of a dead process is taken over.
 * @throws MobyvmError MOBYVM_DAEMON_RUNNING naming the process that holds it
 */
export async function takeLock(path: string): Promise<{ release(): Promise<void> }> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const startTime = (await processStartTime(process.pid)) ?? '';
  const mine = JSON.stringify({ pid: process.pid, startTime, startedAt: new Date().toISOString() });
  const prepared = `${path}.${randomUUID()}`;
  await writeFile(prepared, mine, { mode: 0o644 });
  try {
    while (!(await linkIfFree(prepared, path))) await removeIfDead(path);
  } finally {
    await rm(prepared, { force: true });
  }
  return {
    release: async () => {
      if ((await readFileIfPresent(path)) === mine) await rm(path, { force: true });
    },
  };
}

/** The living process that holds the lock, or undefined. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const text = await readFileIfPresent(path);
  const holder = text === undefined ? undefined : parseHolder(text);
  return holder !== undefined && (await processStartTime(holder.pid)) === holder.startTime
    ? holder
    : undefined;
}

/** Field 22 of /proc/PID/stat (proc(5)), or undefined when there is no such process or it is a zombie. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The program's name stands in parentheses and may hold spaces and parentheses itself: start behind the last one.
    const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
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
  const seen = await readFileIfPresent(path);
  if (seen === undefined) return;
  const holder = await lockHolder(path);
  if (holder !== undefined) {
    throw new MobyvmError(
      'MOBYVM_DAEMON_RUNNING',
      `A mobyvm daemon (pid ${holder.pid}) already runs since ${holder.startedAt}.`,
      'Use it (`mobyvm status`), or end it with `mobyvm down`.',
      { details: { pid: holder.pid } },
    );
  }
  // Two starters may see the same dead lock. Renaming lets one of them take it away, and what was taken away is
  // looked at again: if it was the other's new lock, it goes back.
  const taken = `${path}.${randomUUID()}`;
  try {
    await rename(path, taken);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFileIfPresent(taken)) !== seen) await linkIfFree(taken, path);
  await rm(taken, { force: true });
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    // Whatever it is, no daemon of ours wrote it: locks appear whole.
    return undefined;
  }
}
