import { randomUUID } from 'node:crypto';
import { chmod, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { diskFull, makeFolder, run, type RunResult } from '../../core/host/index.js';
import { errnoOf, MobyvmError, textOf } from '../../core/values/index.js';
import { withPackage } from './preflight.js';

export interface DataDiskOptions {
  readonly qemuImgProgram: string;
  readonly signal: AbortSignal;
}

export type DataDiskChange = 'none' | 'created' | 'grown';

const GIB = 1024 ** 3;
const CHECK_TIMEOUT_MS = 120_000;

/** What `qemu-img info --output=json` says, as far as it matters here. */
const ImageInfo = z.object({ 'virtual-size': z.number().nonnegative() });

/** Exit codes of `qemu-img check`: 0 sound, 3 sound but with leaked clusters (a QEMU that was killed leaves them). */
const SOUND = [0, 3];

/**
 * Creates the qcow2 file when there is none and enlarges it when it is smaller than wanted. A file that exists is
 * checked first and otherwise kept as it is, whatever it holds. Only for a disk that no machine has open.
 * @throws MobyvmError MOBYVM_DATA_DISK when it is not a sound qcow2 image; MOBYVM_DISK_FULL
 */
export async function ensureDataDisk(
  disk: { readonly path: string; readonly sizeGiB: number },
  options: DataDiskOptions,
): Promise<DataDiskChange> {
  if (!(await exists(disk.path))) {
    await create(disk, options);
    return 'created';
  }
  const bytes = await dataDiskBytes(disk.path, options);
  const { stderr, stdout, exitCode } = await image(['check', '-f', 'qcow2', disk.path], disk.path, {
    ...options,
    timeoutMs: CHECK_TIMEOUT_MS,
    acceptExitCodes: [0, 1, 2, 3],
  });
  if (!SOUND.includes(exitCode)) throw notSound(disk.path, lastLine(stderr) || lastLine(stdout));
  if (bytes >= disk.sizeGiB * GIB) return 'none';
  await image(['resize', '-q', '-f', 'qcow2', disk.path, `${disk.sizeGiB}G`], disk.path, options);
  return 'grown';
}

/** The size that a guest sees, bytes; also of a disk that a running machine has open. @throws as ensureDataDisk */
export async function dataDiskBytes(path: string, options: DataDiskOptions): Promise<number> {
  const { stdout } = await image(['info', '-U', '-f', 'qcow2', '--output=json', path], path, options);
  return ImageInfo.parse(JSON.parse(stdout))['virtual-size'];
}

/** Made under another name, so that a full disk or an abort leaves nothing half-made behind. */
async function create(
  { path, sizeGiB }: { readonly path: string; readonly sizeGiB: number },
  options: DataDiskOptions,
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    // Images, volumes and logs of all containers lie in it: it is for root alone.
    await makeFolder(dirname(path), 0o700);
    await image(['create', '-q', '-f', 'qcow2', temporary, `${sizeGiB}G`], path, options);
    await chmod(temporary, 0o600);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw errnoOf(error) === 'ENOSPC' ? diskFull(path, error) : error;
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
    // QEMU's tools speak English whatever the locale is.
    if (words.includes('No space left on device')) throw diskFull(path, error);
    throw notSound(path, words);
  }
}

function notSound(path: string, reason: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_DATA_DISK',
    `The data disk ${path} cannot be used: ${reason}`,
    'It was left as it is. Put a sound copy in its place, or move it away to start with an empty disk.',
    { details: { path } },
  );
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
