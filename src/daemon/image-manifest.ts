import { z } from 'zod';
import { MobyvmError } from '../core/values/index.js';
import { ISO_NAME } from './image-location.js';

export const MANIFEST_NAME = 'manifest.json';

const manifestSchema = z.looseObject({
  schemaVersion: z.literal(1),
  recipe: z.string(),
  kernelVersion: z.string().optional(),
  files: z.record(
    z.string(),
    z.looseObject({ size: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

/** What the build of a boot image wrote about it. */
export interface ImageManifest {
  readonly recipe: string;
  readonly kernelVersion?: string | undefined;
  readonly iso: { readonly size: number; readonly sha256: string };
}

/** @throws MobyvmError MOBYVM_IMAGE_CORRUPT */
export function parseManifest(text: string, path: string): ImageManifest {
  const { recipe, kernelVersion, files } = readManifest(text, path);
  const iso = files[ISO_NAME];
  if (iso === undefined) throw corruptImageError(path, `it does not list ${ISO_NAME}`);
  return { recipe, kernelVersion, iso };
}

function readManifest(text: string, path: string): z.infer<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw corruptImageError(path, 'it is not a manifest that this version understands', error);
  }
}

export function corruptImageError(path: string, problem: string, cause?: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_IMAGE_CORRUPT',
    `The boot image cannot be used: ${path}: ${problem}.`,
    'Build it again with `mobyvm image build`; the data disk is not touched by that.',
    { cause },
  );
}
