import type { InstancePaths } from '../protocol/paths.js';
import type { Settings } from './settings/schema.js';

/** The name of the boot image in its folder. */
export const ISO_NAME = 'mobyvm.iso';

/** Where the boot image is. */
export interface ImageLocation {
  readonly directory: string;
  readonly isoPath: string;
  /** It is in our own folder, so `uninstall` deletes it. */
  readonly isOurs: boolean;
}

/** @param join of path names, by the rules of the platform that the paths are for */
export function imageLocation(
  { image }: Pick<Settings, 'image'>,
  { imageDir }: Pick<InstancePaths, 'imageDir'>,
  join: (...parts: readonly string[]) => string,
): ImageLocation {
  const directory = image.directory ?? imageDir;
  return { directory, isoPath: join(directory, ISO_NAME), isOurs: image.directory === undefined };
}
