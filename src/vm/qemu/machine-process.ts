import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { findProcess, type ProcessInfo } from '../../core/host/index.js';
import { escapeComma } from './command-line.plan.js';

/** True if this is a QEMU process running our machine: its arguments contain the machine's id. */
export function runsMachine(found: ProcessInfo, machineId: string): boolean {
  const at = found.args.indexOf('-uuid');
  return (
    basename(found.args[0] ?? '').startsWith('qemu-system-') && at > 0 && found.args[at + 1] === machineId
  );
}

/**
 * All QEMU processes running this machine, including those that others started. A copy of a state folder has the same id, and is
 * another machine: with `folders`, a process counts only if its arguments name a file in one of them.
 */
export async function findMachineProcesses(
  machineId: string,
  folders: readonly string[] = [],
): Promise<readonly ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = await Promise.all(pids.map(findProcess));
  return processes.filter(
    (found): found is ProcessInfo =>
      found !== undefined &&
      runsMachine(found, machineId) &&
      (folders.length === 0 || folders.some((folder) => namesFileIn(found, folder))),
  );
}

function namesFileIn({ args }: ProcessInfo, folder: string): boolean {
  return args.some((arg) => arg.includes(`=${escapeComma(folder)}/`));
}
