import { sleep, type StepContext } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import type { SavedState } from './machine-record.js';
import { crc32OfFile } from './memory-receiver.js';
import type { QemuMachine } from './qemu-machine.js';
import { lastQemuMessage, type QemuSetup } from './qemu-setup.js';
import type { QmpClient } from './qmp-client.js';
import { queryMigration, queryRunState } from './qmp-queries.js';
import { stampOf } from './save-memory.js';

const POLL_MS = 20;

/**
 * Checks that a saved memory still matches what it was saved with, before anything is started.
 * @throws MobyvmError MOBYVM_VM_RESTORE
 */
export async function checkSaved(setup: QemuSetup, saved: SavedState, qemuVersion: string): Promise<void> {
  if (saved.qemuVersion !== undefined && saved.qemuVersion !== qemuVersion)
    throw restoreError(`it was saved by QEMU ${saved.qemuVersion}, and this is ${qemuVersion}`, undefined);
  const memory = await stampIfPresent(setup.memoryPath);
  if (memory?.bytes !== saved.memoryBytes) {
    throw restoreError(
      `${setup.memoryPath} is ${memory?.bytes ?? 0} bytes long, expected ${saved.memoryBytes}`,
      undefined,
    );
  }
  const iso = await stampIfPresent(saved.spec.isoPath);
  if (iso?.bytes !== saved.iso.bytes || iso.modifiedMs !== saved.iso.modifiedMs) {
    throw restoreError(`the boot ISO ${saved.spec.isoPath} has changed since`, undefined);
  }
  const { path } = saved.spec.dataDisk;
  const disk = saved.dataDisk === undefined ? undefined : await stampIfPresent(path);
  if (disk?.bytes !== saved.dataDisk?.bytes || disk?.modifiedMs !== saved.dataDisk?.modifiedMs) {
    throw restoreError(`the data disk ${path} has changed since`, undefined);
  }
}

/** The description of a saved memory. @throws MobyvmError MOBYVM_VM_RESTORE if it cannot be read */
export async function readSaved({ saved }: QemuSetup): Promise<SavedState | undefined> {
  try {
    return await saved.read();
  } catch (error) {
    throw restoreError(`${saved.path} is damaged`, error);
  }
}

/**
 * Loads the memory into a machine that was started for a restore, and resumes it. From then on the saved
 * memory is void.
 * @throws MobyvmError MOBYVM_VM_RESTORE; the saved state is kept
 */
export async function loadMemory(
  machine: QemuMachine,
  saved: SavedState,
  setup: QemuSetup,
  context: StepContext,
): Promise<void> {
  const { signal } = context;
  // While QEMU loads it, so that the file is read from the disk once.
  const checking = contentProblem(saved, setup, signal);
  try {
    const client = await machine.qmp();
    context.progress(`reading ${Math.round(saved.memoryBytes / 1024 ** 2)} MiB of memory`);
    await client.execute('migrate-incoming', { uri: memoryReadUri(setup.memoryPath) }, { signal });
    await waitUntilLoaded(client, signal);
    const problem = await checking;
    if (problem !== undefined) throw restoreError(problem, undefined);
    await resumeOnce(client, saved, setup, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw restoreError((await checking) ?? ((await lastQemuMessage(setup)) || textOf(error)), error);
  }
}

/** QEMU itself notices only damage that it cannot make sense of. */
async function contentProblem(
  saved: SavedState,
  setup: QemuSetup,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (saved.memoryCrc32 === undefined) return undefined;
  try {
    const found = await crc32OfFile(setup.memoryPath, signal);
    return found === saved.memoryCrc32 ? undefined : `the content of ${setup.memoryPath} has changed since`;
  } catch (error) {
    return textOf(error);
  }
}

/**
 * QEMU reads the output of a program that it starts through a shell, so the path is quoted (POSIX.1 §2.2.2:
 * all characters but the quote itself are literal within single quotes). Reading it through a
 * socket instead takes a third longer.
 */
export function memoryReadUri(path: string): string {
  return `exec:exec cat -- '${path.replaceAll("'", "'\\''")}'`;
}

async function waitUntilLoaded(client: QmpClient, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { error, status } = await queryMigration(client, { signal });
    // The status becomes "completed" a moment before the machine leaves the `inmigrate` state.
    if (status === 'completed' && (await queryRunState(client, { signal })) !== 'inmigrate') return;
    if (status === 'failed') throw restoreError(error ?? 'QEMU gave no reason', undefined);
    await sleep(POLL_MS, signal);
  }
}

/**
 * The description is removed before the guest runs: if mobyvm died in between, the same memory must not be
 * restored over a disk that has changed since.
 */
async function resumeOnce(
  client: QmpClient,
  saved: SavedState,
  setup: QemuSetup,
  signal: AbortSignal,
): Promise<void> {
  await setup.saved.remove();
  try {
    await client.execute('cont', {}, { signal });
  } catch (error) {
    // QEMU itself failed: the guest has not run, and the memory is still valid.
    if (error instanceof MobyvmError && 'errorClass' in error.details) await setup.saved.write(saved);
    throw error;
  }
}

async function stampIfPresent(path: string): Promise<{ bytes: number; modifiedMs: number } | undefined> {
  try {
    return await stampOf(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function restoreError(reason: string, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_RESTORE',
    `Could not restore the saved virtual machine: ${reason}.`,
    'The saved state was kept. Try again, or discard it and boot the VM; the data disk is not affected.',
    { cause },
  );
}
