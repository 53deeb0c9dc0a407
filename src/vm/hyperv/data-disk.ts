import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder, statIfPresent, type EnsureContext } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { cmdlet, type Pipeline, type PowerShell } from '../../powershell/index.js';
import type { VmSpec } from '../driver.js';
import { orHypervError, withoutEffectError } from './hyperv-error.js';

const GIB = 1024 ** 3;
/** Creating a dynamic disk is quick; checking a large one may take a while. */
const DISK_SECONDS = 120;
/** Compacting reads the whole disk. */
const COMPACT_SECONDS = 3_600;

/**
 * Creates the data disk, a dynamic VHDX, or enlarges it, even while a machine is running with it. It is never
 * shrunk and its content never touched.
 * @returns its size in bytes
 * @see https://learn.microsoft.com/powershell/module/hyper-v/new-vhd
 * @throws MobyvmError MOBYVM_DATA_DISK, MOBYVM_DISK_FULL
 */
export async function ensureDataDisk(
  powerShell: PowerShell,
  { path, sizeGiB }: VmSpec['dataDisk'],
  { signal, onFailure, progress }: Pick<EnsureContext, 'signal' | 'onFailure' | 'progress'>,
): Promise<number> {
  const bytes = Math.ceil(sizeGiB * GIB);
  const options = { signal, timeoutSeconds: DISK_SECONDS };
  if (await statIfPresent(path)) {
    const present = await dataDiskBytes(powerShell, path, signal);
    if (present >= bytes) return present;
    progress(`data disk enlarged: ${sizeGiB} GiB`);
    await orHypervError(
      `The data disk ${path} was not enlarged`,
      () => powerShell.run([cmdlet('Resize-VHD', { Path: path, SizeBytes: bytes })], options),
      'MOBYVM_DATA_DISK',
    );
  } else {
    progress(`data disk created: ${sizeGiB} GiB`);
    await makeFolder(dirname(path));
    // A call that fails may have created the file all the same.
    onFailure(() => rm(path, { force: true }));
    const create = cmdlet('New-VHD', { Path: path, SizeBytes: bytes, Dynamic: true });
    const [made] = await orHypervError(
      `The data disk ${path} was not created`,
      () => powerShell.read({ pipeline: [create], fields: { Size: 'number' } }, options),
      'MOBYVM_DATA_DISK',
    );
    if ((made?.Size ?? 0) >= bytes) return made?.Size ?? 0;
    if (!(await statIfPresent(path)))
      throw withoutEffectError(`The data disk ${path} was not created`, 'MOBYVM_DATA_DISK');
  }
  const made = await dataDiskBytes(powerShell, path, signal);
  if (made < bytes) throw withoutEffectError(`The data disk ${path} was not enlarged`, 'MOBYVM_DATA_DISK');
  return made;
}

/**
 * The disk's size as the guest sees it.
 * @throws MobyvmError MOBYVM_DATA_DISK when it is not a VHDX, or cannot be read
 */
export async function dataDiskBytes(
  powerShell: PowerShell,
  path: string,
  signal: AbortSignal,
): Promise<number> {
  const query = { pipeline: [cmdlet('Get-VHD', { Path: path })], fields: { Size: 'number' } } as const;
  const [disk] = await orHypervError(
    `The data disk ${path} cannot be read`,
    () => powerShell.read(query, { signal, timeoutSeconds: DISK_SECONDS }),
    'MOBYVM_DATA_DISK',
  );
  if (disk?.Size === undefined) {
    throw new MobyvmError(
      'MOBYVM_DATA_DISK',
      `Hyper-V reports no size for the data disk ${path}.`,
      'Check it with `Get-VHD`. It holds all images, containers and volumes; to start over with an empty disk, move the file away.',
    );
  }
  return disk.Size;
}

/**
 * Returns to the host what the guest has freed: the file shrinks, the guest's disk keeps its size. The
 * machine must be off. Hyper-V compacts a disk only while it is mounted read-only; a mount left by an earlier
 * attempt is undone first. It may take an hour, so use a separate session.
 * @returns by how many bytes the file has shrunk
 * @see https://learn.microsoft.com/powershell/module/hyper-v/optimize-vhd
 * @throws MobyvmError MOBYVM_DATA_DISK, also when the disk is in use
 */
export async function compactDataDisk(
  powerShell: PowerShell,
  path: string,
  { signal, onFailure, progress }: Pick<EnsureContext, 'signal' | 'onFailure' | 'progress'>,
): Promise<number> {
  const disk = (pipeline: Pipeline, within = signal): Promise<void> =>
    orHypervError(
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
  const [found] = await orHypervError(
    `The data disk ${path} cannot be read`,
    () => powerShell.read({ pipeline: [cmdlet('Get-VHD', { Path: path })], fields }, { signal }),
    'MOBYVM_DATA_DISK',
  );
  return { bytes: found?.FileSize ?? 0, isMounted: found?.Attached === true };
}
