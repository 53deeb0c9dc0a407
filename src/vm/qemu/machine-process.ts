import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { findProcess, type ProcessInfo } from '../../core/host/index.js';

/** True if this is a QEMU process running our machine: its arguments contain the machine's id. */
export function runsMachine(found: ProcessInfo, machineId: string): boolean {
  const at = found.args.indexOf('-uuid');
  return (
    basename(found.args[0] ?? '').startsWith('qemu-system-') && at > 0 && found.args[at + 1] === machineId
  );
}

/** All QEMU processes running this machine, including those that others started. */
export async function findMachineProcesses(machineId: string): Promise<readonly ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const processes = await Promise.all(pids.map(findProcess));
  return processes.filter((found) => found !== undefined && runsMachine(found, machineId)) as ProcessInfo[];
}
