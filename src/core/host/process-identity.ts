import { readFile } from 'node:fs/promises';
import { errnoOf } from '../values/index.js';

/** A process, told apart from a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between the host's boot and the process's start: field 22 of proc(5) stat. */
  readonly startTicks: string;
}

export interface ProcessInfo extends ProcessIdentity {
  readonly args: readonly string[];
}

/** The living process with this pid; undefined when there is none, or only its zombie. */
export async function findProcess(pid: number): Promise<ProcessInfo | undefined> {
  const [stat, cmdline] = await Promise.all([readProc(pid, 'stat'), readProc(pid, 'cmdline')]);
  if (stat === undefined || cmdline === undefined) return undefined;
  // The command's name is in parentheses and may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0] ?? 'X';
  if (state === 'Z' || state === 'X') return undefined;
  return { pid, startTicks: fields[19] ?? '', args: cmdline.split('\0').slice(0, -1) };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await findProcess(identity.pid))?.startTicks === identity.startTicks;
}

/** Sends SIGKILL, but only to the process that is meant. Succeeds if it has ended already. */
export async function killProcess(identity: ProcessIdentity): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

async function readProc(pid: number, file: 'stat' | 'cmdline'): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    // ESRCH: it ended between opening and reading.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}
