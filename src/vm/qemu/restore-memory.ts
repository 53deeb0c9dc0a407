import { sleep, type StepContext } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import type { SavedState } from './machine-record.js';
import type { QemuMachine } from './qemu-machine.js';
import { qemuLastWords, type QemuSetup } from './qemu-setup.js';
import type { QmpClient } from './qmp-client.js';
import { queryMigration, queryRunState } from './qmp-queries.js';
import { stampOf } from './save-memory.js';

const POLL_MS = 20;

/**
 * Sees whether a saved memory still fits what it was saved with, before anything is started.
 * @throws MobyvmError MOBYVM_VM_RESTORE
 */
export async function checkSaved(setup: QemuSetup, saved: SavedState): Promise<void> {
  const memory = await stampIfPresent(setup.memoryPath);
  if (memory?.bytes !== saved.memoryBytes) {
    throw notRestored(
      `${setup.memoryPath} has ${memory?.bytes ?? 0} bytes instead of ${saved.memoryBytes}`,
      undefined,
    );
  }
  const iso = await stampIfPresent(saved.spec.isoPath);
  if (iso?.bytes !== saved.iso.bytes || iso.modifiedMs !== saved.iso.modifiedMs) {
    throw notRestored(`the boot ISO ${saved.spec.isoPath} is not the one that it was saved with`, undefined);
  }
}

/**
 * Gives a machine that was started for a restore its memory and lets it run. From then on the saved memory is void.
 * @throws MobyvmError MOBYVM_VM_RESTORE; the saved state is kept
 */
export async function loadMemory(
  machine: QemuMachine,
  saved: SavedState,
  setup: QemuSetup,
  context: StepContext,
): Promise<void> {
  const { signal } = context;
  try {
    const client = await machine.qmp();
    context.progress(`reading ${Math.round(saved.memoryBytes / 1024 ** 2)} MiB of memory`);
    await client.execute('migrate-incoming', { uri: readingUri(setup.memoryPath) }, { signal });
    await untilLoaded(client, signal);
    await runOnce(client, saved, setup, signal);
  } catch (error) {
    signal.throwIfAborted();
    throw notRestored((await qemuLastWords(setup)) || textOf(error), error);
  }
}

/**
 * QEMU reads from a program's output. It starts that program by a shell, so the path is quoted (POSIX.1 §2.2.2: within
 * single quotes every character but the quote itself is literal). Through a socket of ours it would take a third longer.
 */
export function readingUri(path: string): string {
  return `exec:exec cat -- '${path.replaceAll("'", "'\\''")}'`;
}

async function untilLoaded(client: QmpClient, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { error, status } = await queryMigration(client, { signal });
    // The status is "completed" a moment before the machine has left its state of waiting.
    if (status === 'completed' && (await queryRunState(client, { signal })) !== 'inmigrate') return;
    if (status === 'failed') throw notRestored(error ?? 'QEMU gives no reason', undefined);
    await sleep(POLL_MS, signal);
  }
}

/**
 * The description goes before the guest runs: had we died in between, the same memory must not be restored over a
 * disk that has changed since.
 */
async function runOnce(
  client: QmpClient,
  saved: SavedState,
  setup: QemuSetup,
  signal: AbortSignal,
): Promise<void> {
  await setup.saved.remove();
  try {
    await client.execute('cont', {}, { signal });
  } catch (error) {
    // QEMU itself refused: the guest has not run, and the memory is as good as before.
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

function notRestored(reason: string, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_RESTORE',
    `The saved virtual machine could not be continued: ${reason}.`,
    'The saved state was kept. Try again, or discard it (its memory is then lost, its data disk is not) and start afresh.',
    { cause },
  );
}
