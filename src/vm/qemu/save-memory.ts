import { rename, rm, stat } from 'node:fs/promises';
import { diskFull, sleep, type StepContext } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import type { FileStamp, Hardware } from './machine-record.js';
import { MemoryReceiver } from './memory-receiver.js';
import type { QemuMachine } from './qemu-machine.js';
import { queryMachineType, queryMigration } from './qmp-queries.js';
import type { QmpClient } from './qmp-client.js';
import { discardSaved, partialMemoryPath, type QemuSetup } from './qemu-setup.js';

const MIB = 1024 ** 2;

/** Devices and the format's own overhead on top of the memory, generously. */
const SAVE_MARGIN_BYTES = 128 * MIB;

/** QEMU's default of 128 MiB/s is meant for a network that others use as well. */
const UNLIMITED_BYTES_PER_SECOND = 8 * 1024 ** 3;

const POLL_MS = 25;
const UNDO_TIMEOUT_MS = 20_000;

/**
 * Stops the processors and writes the memory to a file. The process still exists afterwards; it may be ended, or
 * go on after {@link discardSaved}.
 * @throws MobyvmError MOBYVM_VM_SAVE or MOBYVM_DISK_FULL; the machine then runs on as before
 */
export async function saveMemory(
  machine: QemuMachine,
  hardware: Hardware,
  setup: QemuSetup,
  context: StepContext,
): Promise<void> {
  const { signal } = context;
  const client = await machine.qmp();
  const wasRunning = (await machine.runState(signal)) === 'running';
  await discardSaved(setup);
  await checkSpace(setup, hardware.spec.memoryMiB);
  try {
    const machineType = await queryMachineType(client, { signal });
    const iso = await stampOf(hardware.spec.isoPath);
    await client.execute('stop', {}, { signal });
    const memoryBytes = await writeMemory(client, setup, context);
    await rename(partialMemoryPath(setup), setup.memoryPath);
    await setup.saved.write({ format: 1, ...hardware, machineType, memoryBytes, iso });
    setup.logger.info('vm.memory.saved', { bytes: memoryBytes });
  } catch (error) {
    await goOnAsBefore(client, setup, wasRunning);
    signal.throwIfAborted();
    throw notSaved(setup, error);
  }
}

/** A file's size and time of change. */
export async function stampOf(path: string): Promise<FileStamp> {
  const { mtimeMs, size } = await stat(path);
  return { bytes: size, modifiedMs: mtimeMs };
}

async function writeMemory(client: QmpClient, setup: QemuSetup, context: StepContext): Promise<number> {
  const { signal } = context;
  const receiver = await MemoryReceiver.listen(setup.memorySocket, partialMemoryPath(setup));
  try {
    await client.execute(
      'migrate-set-parameters',
      { 'max-bandwidth': UNLIMITED_BYTES_PER_SECOND },
      { signal },
    );
    await client.execute('migrate', { uri: `unix:${setup.memorySocket}` }, { signal });
    for (;;) {
      const { error, status, transferredBytes } = await queryMigration(client, { signal });
      if (status === 'completed') return (await receiver.written).bytes;
      if (status === 'failed' || status === 'cancelled') {
        // When our side gave up first, its reason is the true one.
        await receiver.failure();
        throw new MobyvmError('MOBYVM_VM_SAVE', error ?? `The migration is ${status}.`, '');
      }
      context.progress(`${Math.round(transferredBytes / MIB)} MiB of memory written`);
      await sleep(POLL_MS, signal);
    }
  } finally {
    await receiver.close();
  }
}

/** Has a time limit of its own: also after an abort the guest must not stay stopped. */
async function goOnAsBefore(client: QmpClient, setup: QemuSetup, wasRunning: boolean): Promise<void> {
  const signal = AbortSignal.timeout(UNDO_TIMEOUT_MS);
  try {
    await client.execute('migrate_cancel', {}, { signal });
    while (['active', 'cancelling', 'setup', 'device'].includes((await queryMigration(client)).status)) {
      await sleep(POLL_MS, signal);
    }
    // The saved memory is worthless from the moment on that the guest goes on.
    await discardSaved(setup);
    if (wasRunning) await client.execute('cont', {}, { signal });
  } catch (error) {
    setup.logger.error('vm.save.undo_failed', { error: textOf(error) });
    await rm(partialMemoryPath(setup), { force: true });
  }
}

async function checkSpace(setup: QemuSetup, memoryMiB: number): Promise<void> {
  const needed = memoryMiB * MIB + SAVE_MARGIN_BYTES;
  const free = await setup.freeBytes(setup.stateDirectory);
  if (free >= needed) return;
  const [neededMiB, freeMiB] = [needed, free].map((bytes) => Math.floor(bytes / MIB)) as [number, number];
  throw new MobyvmError(
    'MOBYVM_DISK_FULL',
    `Saving the virtual machine may need ${neededMiB} MiB in ${setup.stateDirectory}; ${freeMiB} MiB are free.`,
    'Free some space there and run the command again, or shut the virtual machine down instead of saving it.',
    { details: { neededMiB, freeMiB } },
  );
}

function notSaved(setup: QemuSetup, error: unknown): unknown {
  if (errnoOf(error) === 'ENOSPC') return diskFull(setup.memoryPath, error);
  if (error instanceof MobyvmError && error.code === 'MOBYVM_DISK_FULL') return error;
  return new MobyvmError(
    'MOBYVM_VM_SAVE',
    `The virtual machine's memory could not be saved: ${textOf(error)}`,
    'The virtual machine goes on. See the log, or shut it down instead of saving it.',
    { cause: error },
  );
}
