import { rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type EnsureContext, makeFolder } from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import { cmdlet, type Pipeline, type PowerShell } from '../../powershell/index.js';
import type { VmSpec } from '../driver.js';
import { orHypervFailure, withoutEffect } from './hyperv-failure.js';

const GIB = 1024 ** 3;
/** Making one is quick, as it grows with what is in it; checking a large one may take a while. */
const DISK_SECONDS = 120;
/** It reads the whole disk. */
const COMPACT_SECONDS = 3_600;

/**
 * Makes the data disk, a VHDX that grows with its content, or enlarges it; it is never shrunk and its content never touched. Also
 * while a machine runs with it.
 * @returns its size in GiB
 * @throws MobyvmError MOBYVM_DATA_DISK, MOBYVM_DISK_FULL
 */
export async function ensureDataDisk(
  powerShell: PowerShell,
  { path, sizeGiB }: VmSpec['dataDisk'],
  { signal, onFailure, progress }: Pick<EnsureContext, 'signal' | 'onFailure' | 'progress'>,
): Promise<number> {
  const bytes = Math.ceil(sizeGiB * GIB);
  const options = { signal, timeoutSeconds: DISK_SECONDS };
  if (await isThere(path)) {
    const present = await dataDiskBytes(powerShell, path, signal);
    if (present >= bytes) return present / GIB;
    progress(`data disk enlarged: ${sizeGiB} GiB`);
    await orHypervFailure(
      `The data disk ${path} was not enlarged`,
      () => powerShell.run([cmdlet('Resize-VHD', { Path: path, SizeBytes: bytes })], options),
      'MOBYVM_DATA_DISK',
    );
  } else {
    progress(`data disk created: ${sizeGiB} GiB`);
    await makeFolder(dirname(path));
    // A call that fails may have made the file all the same.
    onFailure(() => rm(path, { force: true }));
    await orHypervFailure(
      `The data disk ${path} was not made`,
      () => powerShell.run([cmdlet('New-VHD', { Path: path, SizeBytes: bytes, Dynamic: true })], options),
      'MOBYVM_DATA_DISK',
    );
    if (!(await isThere(path))) throw withoutEffect(`The data disk ${path} was not made`, 'MOBYVM_DATA_DISK');
  }
  const made = await dataDiskBytes(powerShell, path, signal);
  if (made < bytes) throw withoutEffect(`The data disk ${path} was not enlarged`, 'MOBYVM_DATA_DISK');
  return made / GIB;
}

/** The disk's size as the guest sees it. @throws MobyvmError MOBYVM_DATA_DISK when it is no VHDX, or cannot be read */
export async function dataDiskBytes(
  powerShell: PowerShell,
  path: string,
  signal: AbortSignal,
): Promise<number> {
  const query = { pipeline: [cmdlet('Get-VHD', { Path: path })], fields: { Size: 'number' } } as const;
  const [disk] = await orHypervFailure(
    `The data disk ${path} cannot be read`,
    () => powerShell.read(query, { signal, timeoutSeconds: DISK_SECONDS }),
    'MOBYVM_DATA_DISK',
  );
  if (disk?.Size === undefined) {
    throw new MobyvmError(
      'MOBYVM_DATA_DISK',
      `Hyper-V tells no size of the data disk ${path}.`,
      'Look at it with `Get-VHD`. To begin with an empty one, move the file away: it holds all images, containers and volumes.',
    );
  }
  return disk.Size;
}

/**
 * Gives the host back what the guest has freed: the file gets smaller, the guest's disk does not. The machine must be off. Hyper-V compacts a
 * disk only while it is mounted read-only; a mount that an earlier try has left is taken away first. It may take an hour: give it a session
 * of its own.
 * @returns by how many bytes the file is smaller now
 * @throws MobyvmError MOBYVM_DATA_DISK, also when the disk is in use
 */
export async function compactDataDisk(
  powerShell: PowerShell,
  path: string,
  { signal, onFailure, progress }: Pick<EnsureContext, 'signal' | 'onFailure' | 'progress'>,
): Promise<number> {
  const disk = (pipeline: Pipeline, within = signal): Promise<void> =>
    orHypervFailure(
      `The data disk ${path} was not compacted`,
      () => powerShell.run(pipeline, { signal: within, timeoutSeconds: COMPACT_SECONDS }),
      'MOBYVM_DATA_DISK',
    );
  const dismount = [cmdlet('Dismount-VHD', { Path: path })] as const;
  const before = await fileOf(powerShell, path, signal);
  if (before.isMounted) await disk(dismount);
  progress('compacting the data disk');
  onFailure(async () => {
    const later = new AbortController().signal;
    if ((await fileOf(powerShell, path, later)).isMounted) await disk(dismount, later);
  });
  await disk([cmdlet('Mount-VHD', { Path: path, ReadOnly: true, NoDriveLetter: true })]);
  await disk([cmdlet('Optimize-VHD', { Path: path, Mode: 'Full' })]);
  await disk(dismount);
  return before.bytes - (await fileOf(powerShell, path, signal)).bytes;
}

async function fileOf(
  powerShell: PowerShell,
  path: string,
  signal: AbortSignal,
): Promise<{ readonly bytes: number; readonly isMounted: boolean }> {
  const fields = { FileSize: 'number', Attached: 'boolean' } as const;
  const [found] = await orHypervFailure(
    `The data disk ${path} cannot be read`,
    () => powerShell.read({ pipeline: [cmdlet('Get-VHD', { Path: path })], fields }, { signal }),
    'MOBYVM_DATA_DISK',
  );
  return { bytes: found?.FileSize ?? 0, isMounted: found?.Attached === true };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return false;
  }
}
