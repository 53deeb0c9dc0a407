import { rmdir } from 'node:fs/promises';
import { z } from 'zod';
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

/** What the user can do about an unreadable definition. */
export const DEFINITION_REMEDY =
  'Delete the file and run the command again: `mobyvm up` recreates it from the settings. The data disk is not affected.';

/** Keeps the folder if it holds files mobyvm didn't create. */
export async function removeFolderIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
  }
}
