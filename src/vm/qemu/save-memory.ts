import { rename, rm, stat } from 'node:fs/promises';
import { diskFullError, sleep, type StepContext, timeLimit } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import type { FileStamp, Hardware } from './machine-record.js';
import { MemoryReceiver, type ReceivedMemory } from './memory-receiver.js';
import type { QemuMachine } from './qemu-machine.js';
import { queryMachineType, queryMigration } from './qmp-queries.js';
import type { QmpClient } from './qmp-client.js';
import { discardSaved, partialMemoryPath, type QemuSetup } from './qemu-setup.js';

const MIB = 1024 ** 2;

/** A generous allowance for device state and the format's overhead on top of the memory. */
const SAVE_MARGIN_BYTES = 128 * MIB;

/** QEMU's default of 128 MiB/s is meant for a shared network. */
const UNLIMITED_BYTES_PER_SECOND = 8 * 1024 ** 3;

const POLL_MS = 25;
const UNDO_TIMEOUT_MS = 20_000;

/**
 * Stops the processors and writes the memory to a file. The process still exists afterwards; it may be ended,
 * or resumed after {@link discardSaved}.
 * @throws MobyvmError MOBYVM_VM_SAVE or MOBYVM_DISK_FULL; the machine then keeps running
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
    const memory = await writeMemory(client, setup, context);
    await rename(partialMemoryPath(setup), setup.memoryPath);
    // QEMU has handed the disk over by now and writes nothing more to it.
    const dataDisk = await stampOf(hardware.spec.dataDisk.path);
    const qemuVersion = client.version;
    await setup.saved.write({
      ...{ format: 1, ...hardware, machineType, iso, dataDisk, qemuVersion },
      ...{ memoryBytes: memory.bytes, memoryCrc32: memory.crc32 },
    });
    setup.logger.info('vm.memory.saved', { bytes: memory.bytes });
  } catch (error) {
    await resumeAfterFailure(client, setup, wasRunning);
    signal.throwIfAborted();
    throw saveError(setup, error);
  }
}

/** A file's size and modification time. */
export async function stampOf(path: string): Promise<FileStamp> {
  const { mtimeMs, size } = await stat(path);
  return { bytes: size, modifiedMs: mtimeMs };
}

async function writeMemory(
  client: QmpClient,
  setup: QemuSetup,
  context: StepContext,
): Promise<ReceivedMemory> {
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
      if (status === 'completed') return await receiver.written;
      if (status === 'failed' || status === 'cancelled') {
        // If our side gave up first, its error is the real cause.
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

/** Has its own time limit: the guest must not stay stopped, even after an abort. */
async function resumeAfterFailure(client: QmpClient, setup: QemuSetup, wasRunning: boolean): Promise<void> {
  const signal = timeLimit(UNDO_TIMEOUT_MS);
  try {
    await client.execute('migrate_cancel', {}, { signal });
    while (['active', 'cancelling', 'setup', 'device'].includes((await queryMigration(client)).status)) {
      await sleep(POLL_MS, signal);
    }
    // The saved memory becomes useless as soon as the guest resumes.
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
    `Saving the VM may need ${neededMiB} MiB in ${setup.stateDirectory}, but only ${freeMiB} MiB are free.`,
    'Free some space there and retry, or shut the VM down instead of saving it.',
    { details: { neededMiB, freeMiB } },
  );
}

function saveError(setup: QemuSetup, error: unknown): unknown {
  if (errnoOf(error) === 'ENOSPC') return diskFullError(setup.memoryPath, error);
  if (error instanceof MobyvmError && error.code === 'MOBYVM_DISK_FULL') return error;
  return new MobyvmError(
    'MOBYVM_VM_SAVE',
    `Could not save the memory of the virtual machine: ${textOf(error)}`,
    'The VM keeps running. See the log, or shut the VM down instead of saving it.',
    { cause: error },
  );
}
