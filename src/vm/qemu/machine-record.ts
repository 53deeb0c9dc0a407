import { z } from 'zod';
import { Spec } from '../definition.js';

const Choice = {
  accelerator: z.enum(['kvm', 'tcg']),
  /** For example `pc-q35-7.2`: the exact type, because the alias changes with QEMU's version. */
  machineType: z.string(),
  /** See MachineChoices in command-line.plan.ts: a saved memory loads only into the same processor. */
  cpu: z.string().optional(),
};

/** A file's size and modification time, to detect that it was replaced. */
const FileStamp = z.object({ bytes: z.number(), modifiedMs: z.number() });

/** The machine's current process, by which a later daemon recognises and adopts it. */
export const MachineRecord = z.object({
  format: z.literal(1),
  machineId: z.uuid(),
  pid: z.number().int().positive(),
  startId: z.string(),
  qmpSocket: z.string(),
  /** Undefined if the record was lost and the process's arguments do not match the definition. */
  hardware: z.object({ spec: Spec, ...Choice }).optional(),
});

/** Describes a saved memory; without it the memory file is meaningless. */
export const SavedState = z.object({
  format: z.literal(1),
  spec: Spec,
  ...Choice,
  memoryBytes: z.number().positive(),
  /** QEMU checks no content: a guest would run on with a damaged page and write it to its disk. */
  memoryCrc32: z.number().optional(),
  /** The guest has the ISO's file system mounted, so continuing with another ISO would be fatal. */
  iso: FileStamp,
  /** The guest has parts of its disk in memory, so continuing on a disk that has changed would destroy it. */
  dataDisk: FileStamp.optional(),
  /** Memory is not guaranteed to load into another version: `-cpu max` and `host` differ between versions. */
  qemuVersion: z.string().optional(),
});

export type MachineRecord = z.infer<typeof MachineRecord>;
export type SavedState = z.infer<typeof SavedState>;
export type Hardware = NonNullable<MachineRecord['hardware']>;
export type FileStamp = z.infer<typeof FileStamp>;
