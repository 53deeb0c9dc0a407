import { CodecError } from '../../core/values/index.js';

/**
 * The item `mobyvm.disk` of pool 1: "1 KIB FREE_KIB FILES FREE_FILES". The agent writes it some time after its start, and again
 * when a percentage of it has changed.
 */
export interface DiskUse {
  /** Size of the data disk's file system, without what it reserves for root. */
  readonly totalKiB: number;
  readonly freeKiB: number;
  /** Files that the file system can hold (inodes). */
  readonly files: number;
  readonly freeFiles: number;
}

/** @throws CodecError when a number is malformed, or more is free than there is */
export function encodeDiskUse({ totalKiB, freeKiB, files, freeFiles }: DiskUse): string {
  const value = `1 ${totalKiB} ${freeKiB} ${files} ${freeFiles}`;
  decodeDiskUse(value);
  return value;
}

/** @throws CodecError for anything else */
export function decodeDiskUse(value: string): DiskUse {
  const match = FORM.exec(value);
  if (match === null) throw new CodecError('disk use', 0, 'is malformed');
  const [totalKiB = 0, freeKiB = 0, files = 0, freeFiles = 0] = match.slice(1).map(Number);
  if (freeKiB > totalKiB || freeFiles > files)
    throw new CodecError('disk use', 0, 'has more free than there is');
  return { totalKiB, freeKiB, files, freeFiles };
}

/** 15 digits are exact numbers. */
const FORM = /^1 (0|[1-9]\d{0,14}) (0|[1-9]\d{0,14}) (0|[1-9]\d{0,14}) (0|[1-9]\d{0,14})$/;
