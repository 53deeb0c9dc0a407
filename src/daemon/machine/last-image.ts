import { constants } from 'node:fs';
import { copyFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { freeBytesIn, makeFolder, StateFile, statIfPresent, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { ISO_NAME } from '../image-location.js';

/** A file's size and modification time. */
const stamp = z.strictObject({ bytes: z.number(), modifiedMs: z.number() });

const lastImage = z.strictObject({
  version: z.literal(1),
  /** What the kept image is a copy of. */
  kept: stamp,
  /** The image that failed since, if one has. */
  failed: z.strictObject({ path: z.string(), image: stamp, reason: z.string(), at: z.string() }).optional(),
});

type Stamp = z.infer<typeof stamp>;

/** An image that did not start, so that the VM is started with the one before. */
export type FailedImage = NonNullable<z.infer<typeof lastImage>['failed']>;

/** The image with which the engine answered last, and which one to start the VM with. */
export interface LastImage {
  /** The wanted image, or the kept one while the wanted one is known to fail. @param isRetry try the wanted one again */
  choose(wanted: string, isRetry: boolean): Promise<string>;
  /** The engine of a VM that was booted with that image has answered. Never throws. */
  answered(path: string): Promise<void>;
  /** The image to try when that one has failed; undefined if there is no other. */
  before(path: string): Promise<string | undefined>;
  /** That image has failed, and the kept one has not. */
  hasFailed(path: string, reason: string): Promise<void>;
}

/** So much has to be left free by the copy: it is a precaution, and no reason to fill a disk. */
const LEFT_FREE_BYTES = 1024 ** 3;

export function lastImageFile(directory: string): StateFile<z.infer<typeof lastImage>> {
  return new StateFile({ path: join(directory, 'last-image.json'), schema: lastImage });
}

/**
 * Keeps a copy of the image in a folder: builds and package managers overwrite images in place, so a hard link could change
 * with its original. File systems that can share the blocks of copies do.
 *
 * INVARIANT: the copy is replaced only while no VM uses it, which is when a VM that was booted with another has answered.
 */
export class KeptImage implements LastImage {
  readonly #directory: string;
  readonly #path: string;
  readonly #file: StateFile<z.infer<typeof lastImage>>;
  readonly #logger: Logger;

  constructor(directory: string, logger: Logger) {
    this.#directory = directory;
    this.#path = join(directory, ISO_NAME);
    this.#file = lastImageFile(directory);
    this.#logger = logger;
  }

  async choose(wanted: string, isRetry: boolean): Promise<string> {
    const known = await this.#known();
    if (known?.failed === undefined) return wanted;
    const isSame = isEqual(known.failed.image, await stampOf(wanted));
    if (isSame && !isRetry && (await stampOf(this.#path)) !== undefined) return this.#path;
    await this.#file.write({ version: 1, kept: known.kept });
    return wanted;
  }

  async answered(path: string): Promise<void> {
    if (path === this.#path) return;
    try {
      const [image, kept] = [await stampOf(path), await stampOf(this.#path)];
      const known = await this.#known();
      if (image === undefined || (kept !== undefined && isEqual(known?.kept, image))) return;
      await this.#keep(path, image);
    } catch (error) {
      this.#logger.warn('image.unkept', { path, reason: textOf(error) });
    }
  }

  async before(path: string): Promise<string | undefined> {
    const known = await this.#known();
    const isOther = path !== this.#path && !isEqual(known?.kept, await stampOf(path));
    return known !== undefined && isOther && (await stampOf(this.#path)) !== undefined
      ? this.#path
      : undefined;
  }

  async hasFailed(path: string, reason: string): Promise<void> {
    const [known, image] = [await this.#known(), await stampOf(path)];
    if (known === undefined || image === undefined) return;
    const failed = { path, image, reason, at: new Date().toISOString() };
    await this.#file.write({ version: 1, kept: known.kept, failed });
  }

  async #keep(path: string, image: Stamp): Promise<void> {
    await makeFolder(this.#directory, 'owner');
    // The earlier copy counts as free: it is replaced.
    const room = (await freeBytesIn(this.#directory)) + ((await stampOf(this.#path))?.bytes ?? 0);
    if (room < image.bytes + LEFT_FREE_BYTES) {
      this.#logger.warn('image.unkept', {
        path,
        reason: `little space is left in ${dirname(this.#directory)}`,
      });
      return;
    }
    await this.#file.remove();
    await rm(this.#path, { force: true });
    const partial = `${this.#path}.partial`;
    await copyFile(path, partial, constants.COPYFILE_FICLONE);
    await rename(partial, this.#path);
    await this.#file.write({ version: 1, kept: image });
    this.#logger.info('image.kept', { path, bytes: image.bytes });
  }

  /** A precaution only: without its description there is no kept image. */
  #known(): Promise<z.infer<typeof lastImage> | undefined> {
    return this.#file.peek();
  }
}

/** For `status` and `doctor`: what they say while the VM is started with the kept image. */
export async function imageProblem(
  directory: string,
): Promise<{ readonly problem: string; readonly remedy: string } | undefined> {
  const failed = (await lastImageFile(directory).peek())?.failed;
  if (failed === undefined) return undefined;
  return {
    problem: `The boot image ${failed.path} did not start (${failed.reason.replace(/\.$/, '')}), so the VM is started with the one before`,
    remedy:
      'No data was touched. `mobyvm restart` tries it again, and so does the next start after the file has changed.',
  };
}

async function stampOf(path: string): Promise<Stamp | undefined> {
  const found = await statIfPresent(path);
  return found && { bytes: found.size, modifiedMs: Math.floor(found.mtimeMs) };
}

function isEqual(one: Stamp | undefined, other: Stamp | undefined): boolean {
  return one !== undefined && one.bytes === other?.bytes && one.modifiedMs === other.modifiedMs;
}
