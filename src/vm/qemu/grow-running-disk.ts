import type { StepContext } from '../../core/host/index.js';
import type { VmSpec } from '../driver.js';
import { DATA_DISK_NODE } from './command-line.plan.js';
import { dataDiskBytes } from './data-disk.js';
import type { QemuMachine } from './qemu-machine.js';
import type { QemuSetup } from './qemu-setup.js';

/**
 * Grows the data disk of a running machine if it is smaller than wanted. QEMU would also shrink it, without
 * asking.
 */
export async function growRunningDisk(
  machine: QemuMachine,
  { dataDisk }: VmSpec,
  setup: QemuSetup,
  { progress, signal }: StepContext,
): Promise<void> {
  const present = machine.record.hardware?.spec.dataDisk.path;
  if (present !== dataDisk.path) return;
  const wantedBytes = dataDisk.sizeGiB * 1024 ** 3;
  const { qemuImgProgram } = setup;
  if ((await dataDiskBytes(dataDisk.path, { qemuImgProgram, signal })) >= wantedBytes) return;
  const client = await machine.qmp();
  await client.execute('block_resize', { 'node-name': DATA_DISK_NODE, size: wantedBytes }, { signal });
  progress(`data disk grown: ${dataDisk.sizeGiB} GiB`);
  setup.logger.info('vm.disk.changed', { change: 'grown', path: dataDisk.path, sizeGiB: dataDisk.sizeGiB });
}
