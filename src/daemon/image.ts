import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { readFileIfPresent, statIfPresent, type ManagedResource } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import type { ImageLocation } from './image-location.js';
import { corruptImageError, MANIFEST_NAME, parseManifest, type ImageManifest } from './image-manifest.js';
import { removeOtherImages, takePackagedImage } from './packaged-image.js';

/**
 * Reads and checks the boot image against its manifest, size first and then SHA-256.
 * @throws MobyvmError MOBYVM_IMAGE_MISSING, MOBYVM_IMAGE_CORRUPT
 */
export async function verifyImage(
  { directory, isoPath }: Pick<ImageLocation, 'directory' | 'isoPath'>,
  signal: AbortSignal,
): Promise<ImageManifest> {
  const manifestPath = join(directory, MANIFEST_NAME);
  const text = await readFileIfPresent(manifestPath);
  const size = (await statIfPresent(isoPath))?.size;
  if (text === undefined || size === undefined) {
    throw new MobyvmError(
      'MOBYVM_IMAGE_MISSING',
      `There is no boot image: ${text === undefined ? manifestPath : isoPath} does not exist.`,
      'Build it with `mobyvm image build`, or set `image.directory` to the folder that holds it.',
    );
  }
  const manifest = parseManifest(text, manifestPath);
  const { iso } = manifest;
  if (size !== iso.size) throw corruptImageError(isoPath, `it has ${size} bytes and should have ${iso.size}`);
  const digest = await sha256Of(isoPath, signal);
  if (digest !== iso.sha256)
    throw corruptImageError(isoPath, `its SHA-256 is ${digest} and should be ${iso.sha256}`);
  return manifest;
}

/**
 * The boot image: `up` takes it from the package and verifies it, `uninstall` deletes our own.
 * @param isVmOff no VM uses an image of an earlier version
 */
export function bootImage(
  location: ImageLocation,
  isVmOff: (signal: AbortSignal) => Promise<boolean>,
): ManagedResource {
  const { directory, ownFolder, packaged } = location;
  const isToBeTaken = async (): Promise<boolean> =>
    packaged !== undefined && (await statIfPresent(directory)) === undefined;
  return {
    id: 'image',
    title: 'boot image',
    lifetime: 'installation',
    isRepaired: false,
    plan: async ({ signal }) => {
      if (await isToBeTaken()) return { kind: 'create' };
      await verifyImage(location, signal);
      return { kind: 'none' };
    },
    ensure: async ({ signal, progress }) => {
      const isNew = await takePackagedImage(location);
      const isOff = packaged !== undefined && (await isVmOff(signal));
      const { recipe, kernelVersion } = await verifyImage(location, signal).catch(async (error: unknown) => {
        // The next start copies it again.
        if (isNew || isOff) await rm(directory, { recursive: true, force: true });
        throw packaged === undefined ? error : damagedCopyError(error);
      });
      if (isOff) await removeOtherImages(location);
      progress(`${recipe}${kernelVersion === undefined ? '' : `, Linux ${kernelVersion}`}`);
      return isNew ? 'create' : 'none';
    },
    remove: async () => {
      if (ownFolder === undefined || (await statIfPresent(ownFolder)) === undefined) return 'none';
      await rm(ownFolder, { recursive: true, force: true });
      return 'remove';
    },
  };
}

function damagedCopyError(error: unknown): unknown {
  if (!(error instanceof MobyvmError)) return error;
  const remedy = 'Run `mobyvm up` again: it copies the image again. If that fails too, install mobyvm again.';
  return new MobyvmError(error.code, error.message, remedy, { cause: error });
}

async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, { signal });
  return hash.digest('hex');
}
