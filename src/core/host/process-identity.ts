import { readFile } from 'node:fs/promises';
import { errnoOf } from '../values/index.js';

/** Identifies a process even if its pid is reused later. */
export interface ProcessIdentity {
  readonly pid: number;
  /**
   * The id of the host's boot, and the clock ticks from then to the process's start: field 22 (starttime) of
   * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html. The ticks alone recur after a reboot, at which the same
   * services start with the same pids.
   */
  readonly startId: string;
}

export interface ProcessInfo extends ProcessIdentity {
  readonly args: readonly string[];
}

/** The running process with this pid; undefined if there is none or it is a zombie. */
export async function findProcess(pid: number): Promise<ProcessInfo | undefined> {
  const [stat, cmdline, bootId] = await Promise.all([
    readProc(`${pid}/stat`),
    readProc(`${pid}/cmdline`),
    readProc('sys/kernel/random/boot_id'),
  ]);
  if (stat === undefined || cmdline === undefined) return undefined;
  // The command name is in parentheses and may itself contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0] ?? 'X';
  if (state === 'Z' || state === 'X') return undefined;
  const startId = `${bootId?.trim() ?? ''}/${fields[19] ?? ''}`;
  return { pid, startId, args: cmdline.split('\0').slice(0, -1) };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await findProcess(identity.pid))?.startId === identity.startId;
}

/** Sends SIGKILL to exactly this process. Succeeds if it has already exited. */
export async function killProcess(identity: ProcessIdentity): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error;
  }
}

async function readProc(file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${file}`, 'utf8');
  } catch (error) {
    // ESRCH: the process exited between open and read.
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}
