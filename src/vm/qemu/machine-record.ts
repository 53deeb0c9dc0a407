import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { MobyvmError, parseMac, readFileIfPresent, writeFileAtomically } from '../../core/index.js';

/** A {@link VmSpec} as it stands in our files. */
const Spec = z.object({
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

const Choice = {
  accelerator: z.enum(['kvm', 'tcg']),
  /** For example `pc-q35-7.2`: the exact one, not the alias that moves with QEMU's version. */
  machineType: z.string(),
};

/** A file's size and time of change: enough to see that it was replaced. */
const FileStamp = z.object({ bytes: z.number(), modifiedMs: z.number() });

export const Definition = z.object({ format: z.literal(1), spec: Spec });

/** The machine's present process, by which a later daemon recognises and adopts it. */
export const MachineRecord = z.object({
  format: z.literal(1),
  machineId: z.uuid(),
  pid: z.number().int().positive(),
  startTicks: z.string(),
  qmpSocket: z.string(),
  /** Undefined when the record was lost and the process's arguments do not follow from the definition. */
  hardware: z.object({ spec: Spec, ...Choice }).optional(),
});

/** Stands beside a saved memory, and makes it one: without it the memory file means nothing. */
export const SavedState = z.object({
  format: z.literal(1),
  spec: Spec,
  ...Choice,
  memoryBytes: z.number().positive(),
  /** The guest has the ISO's file system mounted: another ISO under it would be fatal. */
  iso: FileStamp,
});

export type Definition = z.infer<typeof Definition>;
export type MachineRecord = z.infer<typeof MachineRecord>;
export type SavedState = z.infer<typeof SavedState>;
export type Hardware = NonNullable<MachineRecord['hardware']>;
export type FileStamp = z.infer<typeof FileStamp>;

/** One of the driver's JSON files. */
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
    await mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    await writeFileAtomically(this.path, `${JSON.stringify(value, undefined, 2)}\n`);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
