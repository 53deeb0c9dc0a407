import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileIfPresent, statIfPresent } from '../core/host/index.js';
import { MANIFEST_NAME, parseManifest } from './image-manifest.js';
import { ISO_NAME, type ImageLocation, type PackagedImage } from './image-location.js';

const VERSION_CHARACTERS = 16;

/** @returns undefined if the folder has no image @throws MobyvmError MOBYVM_IMAGE_CORRUPT */
export async function packagedImage(directory: string): Promise<PackagedImage | undefined> {
  const path = join(directory, MANIFEST_NAME);
  const text = await readFileIfPresent(path);
  if (text === undefined) return undefined;
  const { sha256 } = parseManifest(text, path).iso;
  return { directory, version: sha256.slice(0, VERSION_CHARACTERS) };
}

/** Copies the packaged image to its place, whole or not at all. @returns whether it was not there yet */
export async function takePackagedImage({ directory, packaged }: ImageLocation): Promise<boolean> {
  if (packaged === undefined || (await statIfPresent(directory)) !== undefined) return false;
  const partial = `${directory}.new`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  for (const name of [ISO_NAME, MANIFEST_NAME]) await copyFile(join(packaged, name), join(partial, name));
  await rename(partial, directory);
  return true;
}

/** Deletes images of other versions. Only for a VM that is off: others have theirs mounted. */
export async function removeOtherImages({ directory, ownFolder, packaged }: ImageLocation): Promise<void> {
  if (packaged === undefined || ownFolder === undefined) return;
  for (const { name } of await readdir(ownFolder, { withFileTypes: true })) {
    const path = join(ownFolder, name);
    if (path !== directory) await rm(path, { recursive: true, force: true });
  }
}
