import { dirname } from 'node:path';
import type { VmStall } from '../driver.js';
import { stalledByFullDisk } from '../stalled.js';
import type { QemuMachine } from './qemu-machine.js';
import type { QemuSetup } from './qemu-setup.js';

/** Less than that is filled up again at once. */
const ROOM_BYTES = 16 * 1024 ** 2;

/** Where the machine's data disk lies, and how much room there is. */
export async function stallOf(machine: QemuMachine, setup: QemuSetup): Promise<VmStall> {
  const spec = machine.record.hardware?.spec ?? (await setup.definition.read().catch(() => undefined))?.spec;
  const folder = spec === undefined ? setup.stateDirectory : dirname(spec.dataDisk.path);
  return { folder, freeBytes: await setup.freeBytes(folder) };
}

/** QEMU tries the write that failed again. @throws MobyvmError MOBYVM_DISK_FULL when there still is no room for it */
export async function goOnStalled(
  machine: QemuMachine,
  setup: QemuSetup,
  signal: AbortSignal,
): Promise<void> {
  const stall = await stallOf(machine, setup);
  if (stall.freeBytes < ROOM_BYTES) throw stalledByFullDisk(stall);
  await (await machine.qmp()).execute('cont', {}, { signal });
}
