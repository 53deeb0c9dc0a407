import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { diskFullError, posixProtection, run, statIfPresent, type RunResult } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import { withPackage } from './preflight.js';

export interface DataDiskOptions {
  readonly qemuImgProgram: string;
  readonly signal: AbortSignal;
}

export type DataDiskChange = 'none' | 'created' | 'grown';

const GIB = 1024 ** 3;
const CHECK_TIMEOUT_MS = 120_000;

/** The part of `qemu-img info --output=json` that matters here. */
const ImageInfo = z.object({ 'virtual-size': z.number().nonnegative() });

/**
 * Exit codes of `qemu-img check` (https://www.qemu.org/docs/master/tools/qemu-img.html): 0 is sound, 3 is
 * sound with leaked clusters (after QEMU was killed).
 */
const SOUND = [0, 3];

/**
 * Creates the qcow2 file if there is none and grows it if it is smaller than wanted. An existing file is
 * checked first and otherwise kept, whatever it contains. Call it only while no machine has the disk open.
 * @throws MobyvmError MOBYVM_DATA_DISK if it is not a sound qcow2 image; MOBYVM_DISK_FULL
 */
export async function ensureDataDisk(
  disk: { readonly path: string; readonly sizeGiB: number },
  options: DataDiskOptions,
): Promise<DataDiskChange> {
  if ((await statIfPresent(disk.path)) === undefined) {
    await create(disk, options);
    return 'created';
  }
  const bytes = await dataDiskBytes(disk.path, options);
  const { stderr, stdout, exitCode } = await image(['check', '-f', 'qcow2', disk.path], disk.path, {
    ...options,
    timeoutMs: CHECK_TIMEOUT_MS,
    acceptExitCodes: [0, 1, 2, 3],
  });
  if (!SOUND.includes(exitCode)) throw dataDiskError(disk.path, lastLine(stderr) || lastLine(stdout));
  if (bytes >= disk.sizeGiB * GIB) return 'none';
  await image(['resize', '-q', '-f', 'qcow2', disk.path, `${disk.sizeGiB}G`], disk.path, options);
  return 'grown';
}

/**
 * The size in bytes as the guest sees it; works while a running machine has the disk open. @throws as
 * ensureDataDisk
 */
export async function dataDiskBytes(path: string, options: DataDiskOptions): Promise<number> {
  const { stdout } = await image(['info', '-U', '-f', 'qcow2', '--output=json', path], path, options);
  return ImageInfo.parse(JSON.parse(stdout))['virtual-size'];
}

/** Created under a temporary name, so that a full disk or an abort leaves nothing half-written behind. */
async function create(
  { path, sizeGiB }: { readonly path: string; readonly sizeGiB: number },
  options: DataDiskOptions,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    // It holds the images, volumes and logs of all containers: for root only.
    await posixProtection.folder(dirname(path), 'private');
    await image(['create', '-q', '-f', 'qcow2', temporary, `${sizeGiB}G`], path, options);
    await posixProtection.file(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw errnoOf(error) === 'ENOSPC' ? diskFullError(path, error) : error;
  }
}

async function image(
  args: readonly string[],
  path: string,
  options: DataDiskOptions & { readonly timeoutMs?: number; readonly acceptExitCodes?: readonly number[] },
): Promise<RunResult> {
  const { qemuImgProgram, ...runOptions } = options;
  try {
    return await run(qemuImgProgram, args, runOptions);
  } catch (error) {
    if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_PROGRAM_FAILED') {
      throw withPackage(error, qemuImgProgram, 'qemu-utils');
    }
    const words = lastLine(String(error.details['stderr'] ?? '')) || textOf(error);
    // QEMU's tools print English regardless of the locale.
    if (words.includes('No space left on device')) throw diskFullError(path, error);
    throw dataDiskError(path, words);
  }
}

function dataDiskError(path: string, reason: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DATA_DISK',
    `Cannot use the data disk ${path}: ${reason}`,
    'The disk was not changed. Restore it from a backup, or move it away to start with an empty disk.',
    { details: { path } },
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
