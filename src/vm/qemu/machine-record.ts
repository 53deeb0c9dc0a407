import { z } from 'zod';
import { Spec } from '../definition.js';

const Choice = {
  accelerator: z.enum(['kvm', 'tcg']),
  /** For example `pc-q35-7.2`: the exact one, not the alias that moves with QEMU's version. */
  machineType: z.string(),
};

/** A file's size and time of change: enough to see that it was replaced. */
const FileStamp = z.object({ bytes: z.number(), modifiedMs: z.number() });

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

export type MachineRecord = z.infer<typeof MachineRecord>;
export type SavedState = z.infer<typeof SavedState>;
export type Hardware = NonNullable<MachineRecord['hardware']>;
export type FileStamp = z.infer<typeof FileStamp>;
