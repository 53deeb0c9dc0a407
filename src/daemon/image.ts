import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { readFileIfPresent, statIfPresent, type ManagedResource } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { ISO_NAME, type ImageLocation } from './image-location.js';

const manifestSchema = z.looseObject({
  schemaVersion: z.literal(1),
  recipe: z.string(),
  kernelVersion: z.string().optional(),
  files: z.record(
    z.string(),
    z.looseObject({ size: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

export type ImageManifest = z.infer<typeof manifestSchema>;

/**
 * Reads and checks the boot image against its manifest, size first and then SHA-256.
 * @throws MobyvmError MOBYVM_IMAGE_MISSING, MOBYVM_IMAGE_CORRUPT
 */
export async function verifyImage(
  { directory, isoPath }: Pick<ImageLocation, 'directory' | 'isoPath'>,
  signal: AbortSignal,
): Promise<ImageManifest> {
  const manifestPath = join(directory, 'manifest.json');
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
  const wanted = manifest.files[ISO_NAME];
  if (wanted === undefined) throw corrupt(manifestPath, `it does not list ${ISO_NAME}`);
  if (size !== wanted.size) throw corrupt(isoPath, `it has ${size} bytes and should have ${wanted.size}`);
  const digest = await sha256Of(isoPath, signal);
  if (digest !== wanted.sha256)
    throw corrupt(isoPath, `its SHA-256 is ${digest} and should be ${wanted.sha256}`);
  return manifest;
}

/** The boot image: `up` verifies it, `uninstall` deletes our own. */
export function bootImage(location: ImageLocation): ManagedResource {
  const { directory, isOurs } = location;
  return {
    id: 'image',
    title: 'boot image',
    lifetime: 'installation',
    isRepaired: false,
    plan: async ({ signal }) => {
      await verifyImage(location, signal);
      return { kind: 'none' };
    },
    ensure: async ({ signal, progress }) => {
      const { recipe, kernelVersion } = await verifyImage(location, signal);
      progress(`${recipe}${kernelVersion === undefined ? '' : `, Linux ${kernelVersion}`}`);
      return 'none';
    },
    remove: async () => {
      if (!isOurs || (await statIfPresent(directory)) === undefined) return 'none';
      await rm(directory, { recursive: true, force: true });
      return 'remove';
    },
  };
}

function parseManifest(text: string, path: string): ImageManifest {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw corrupt(path, 'it is not a manifest that this version understands', error);
  }
}

async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash, { signal });
  return hash.digest('hex');
}

function corrupt(path: string, problem: string, cause?: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_IMAGE_CORRUPT',
    `The boot image cannot be used: ${path}: ${problem}.`,
    'Build it again with `mobyvm image build`; the data disk is not touched by that.',
    { cause },
  );
}
