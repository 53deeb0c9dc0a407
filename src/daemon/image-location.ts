import type { InstancePaths } from '../protocol/paths.js';
import type { Settings } from './settings/schema.js';

/** The name of the boot image in its folder. */
export const ISO_NAME = 'mobyvm.iso';

/** The boot image that a package of mobyvm contains. */
export interface PackagedImage {
  readonly directory: string;
  /** The beginning of its SHA-256. */
  readonly version: string;
}

/** Where the boot image is. */
export interface ImageLocation {
  readonly directory: string;
  readonly isoPath: string;
  /** What `uninstall` deletes; undefined if the image is in a folder of the user. */
  readonly ownFolder: string | undefined;
  /** The folder that it is copied from before its first use. */
  readonly packaged?: string;
}

/**
 * A packaged image is copied to a folder of its version: a VM that runs or is saved keeps its image when the package is
 * upgraded.
 * @param join of path names, by the rules of the platform that the paths are for
 */
export function imageLocation(
  { image }: Pick<Settings, 'image'>,
  { imageDir }: Pick<InstancePaths, 'imageDir'>,
  join: (...parts: readonly string[]) => string,
  packaged?: PackagedImage,
): ImageLocation {
  const directory = image.directory ?? (packaged === undefined ? imageDir : join(imageDir, packaged.version));
  const ownFolder = image.directory === undefined ? imageDir : undefined;
  return {
    directory,
    isoPath: join(directory, ISO_NAME),
    ownFolder,
    ...(ownFolder === undefined || packaged === undefined ? {} : { packaged: packaged.directory }),
  };
}
