import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { makeFolder, readFileIfPresent, writeFileAtomically } from '../core/host/index.js';
import { errnoOf, MobyvmError, parseMac } from '../core/values/index.js';

/** A {@link VmSpec} as it stands in our files. */
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

/** What was defined last, whether a machine of it exists or not. */
export const Definition = z.object({ format: z.literal(1), spec: Spec });
export type Definition = z.infer<typeof Definition>;

/** What the user can do about a definition that cannot be read. */
export const DEFINITION_REMEDY =
  'Delete it, then run the command again: `mobyvm up` writes it anew from the settings. The data disk is not touched by that.';

/** One of a driver's JSON files. */
export class StateFile<T> {
  constructor(
    readonly path: string,
    private readonly schema: z.ZodType<T>,
    private readonly remedy = 'Restore it from a backup, or delete it to start without it.',
  ) {}

  /** Undefined when there is no file. @throws MobyvmError MOBYVM_STATE_FILE when it does not hold what it should */
  async read(): Promise<T | undefined> {
    const text = await readFileIfPresent(this.path);
    if (text === undefined) return undefined;
    try {
      return this.schema.parse(JSON.parse(text));
    } catch (error) {
      throw new MobyvmError(
        'MOBYVM_STATE_FILE',
        `${this.path} does not hold what mobyvm wrote there.`,
        this.remedy,
        { cause: error, details: { path: this.path } },
      );
    }
  }

  async write(value: T): Promise<void> {
    // The folder holds a guest's memory as well: it is made for root alone.
    await makeFolder(dirname(this.path), 0o700);
    await writeFileAtomically(this.path, `${JSON.stringify(value, undefined, 2)}\n`);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

/** A folder of ours in which somebody else has put something stays. */
export async function removeFolderIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) throw error;
  }
}
