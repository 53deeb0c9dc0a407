import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StateFile } from '../core/host/index.js';
import { errnoOf, parseMac } from '../core/values/index.js';

/** A {@link VmSpec} as stored in our files. */
export const Spec = z.object({
  machineId: z.uuid(),
  name: z.string(),
  cpus: z.number().int().positive(),
  memoryMiB: z.number().int().positive(),
  firmware: z.enum(['bios', 'uefi']),
  isoPath: z.string(),
  dataDisk: z.object({ path: z.string(), sizeGiB: z.number().positive() }),
  network: z.object({ attachment: z.string(), mac: z.string().transform(parseMac) }),
  accelerator: z.enum(['kvm', 'tcg']).optional(),
  awaitsConfiguration: z.boolean(),
});

/** The last definition, whether or not its machine exists. */
export const Definition = z.object({ format: z.literal(1), spec: Spec });
export type Definition = z.infer<typeof Definition>;

export function definitionFile(stateDirectory: string): StateFile<Definition> {
  return new StateFile({
    path: join(stateDirectory, 'definition.json'),
    schema: Definition,
    remedy:
      'Delete the file and run the command again: `mobyvm up` recreates it from the settings. The data disk is not affected.',
  });
}

/** What the running or saved machine was started with; only Hyper-V's driver needs it. */
export function startedFile(stateDirectory: string): StateFile<Definition> {
  return new StateFile({ path: join(stateDirectory, 'started.json'), schema: Definition });
}

/**
 * Sets a definition aside that cannot be read: `up` makes it again from the settings. Hyper-V's driver takes a machine
 * without one for absent, so a machine that was started gets the definition that it was started with.
 * @throws MobyvmError MOBYVM_STATE_FILE if that cannot be read either
 */
export async function setAsideUnreadable(stateDirectory: string): Promise<void> {
  const file = definitionFile(stateDirectory);
  const started = startedFile(stateDirectory);
  if (await isReadable(file)) {
    await started.setAsideIfUnreadable();
    return;
  }
  const rebuilt = await started.read();
  if ((await file.setAsideIfUnreadable()) && rebuilt !== undefined) await file.write(rebuilt);
}

function isReadable(file: StateFile<Definition>): Promise<boolean> {
  return file.read().then(
    () => true,
    () => false,
  );
}

/** Keeps the folder if it holds files mobyvm didn't create. */
export async function removeFolderIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
  }
}
