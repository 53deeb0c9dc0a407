import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { findProcess, type ProcessInfo } from '../../core/host/index.js';

/** True when this is a QEMU that runs our machine: the id stands in its arguments. */
export function runsMachine(sight: ProcessInfo, machineId: string): boolean {
  const at = sight.args.indexOf('-uuid');
  return (
    basename(sight.args[0] ?? '').startsWith('qemu-system-') && at > 0 && sight.args[at + 1] === machineId
  );
}

/** All QEMU processes of this machine, whoever started them. */
export async function findMachineProcesses(machineId: string): Promise<readonly ProcessInfo[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const sights = await Promise.all(pids.map(findProcess));
  return sights.filter((sight) => sight !== undefined && runsMachine(sight, machineId)) as ProcessInfo[];
}
