import { dirname } from 'node:path';
import type { VmStall } from '../driver.js';
import { stalledError } from '../stalled.js';
import type { QemuMachine } from './qemu-machine.js';
import type { QemuSetup } from './qemu-setup.js';

/** With less space than this the disk would be full again at once. */
const MIN_FREE_BYTES = 16 * 1024 ** 2;

/** Which folder holds the machine's data disk, and how much space it has. */
export async function observeStall(machine: QemuMachine, setup: QemuSetup): Promise<VmStall> {
  const spec = machine.record.hardware?.spec ?? (await setup.definition.read().catch(() => undefined))?.spec;
  const folder = spec === undefined ? setup.stateDirectory : dirname(spec.dataDisk.path);
  return { folder, freeBytes: await setup.freeBytes(folder) };
}

/** Lets QEMU retry the failed write. @throws MobyvmError MOBYVM_DISK_FULL if the disk is still full */
export async function resumeStalled(
  machine: QemuMachine,
  setup: QemuSetup,
  signal: AbortSignal,
): Promise<void> {
  const stall = await observeStall(machine, setup);
  if (stall.freeBytes < MIN_FREE_BYTES) throw stalledError(stall);
  await (await machine.qmp()).execute('cont', {}, { signal });
}
