import { join } from 'node:path';
import { statIfPresent } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { ISO_NAME, type ImageLocation } from '../image-location.js';
import { verifyImage } from '../image.js';
import { fine, type Judgement } from './finding.js';

/**
 * Reads the boot image as a whole. That of a package is in the package until the first start copies it.
 * @throws MobyvmError MOBYVM_IMAGE_MISSING, MOBYVM_IMAGE_CORRUPT
 */
export async function lookAtImage(location: ImageLocation, signal: AbortSignal): Promise<Judgement> {
  const { packaged } = location;
  const isCopied = packaged === undefined || (await statIfPresent(location.directory)) !== undefined;
  const { directory, isoPath } = isCopied
    ? location
    : { directory: packaged, isoPath: join(packaged, ISO_NAME) };
  await verifyImage({ directory, isoPath }, signal).catch((error: unknown) => {
    throw packaged === undefined ? error : withRemedyOfPackage(error, isCopied);
  });
  return fine(`${directory} is complete`);
}

/** Whoever installed a package has nothing to build an image with. */
function withRemedyOfPackage(error: unknown, isCopied: boolean): unknown {
  if (!(error instanceof MobyvmError)) return error;
  const { code, message } = error;
  const remedy = isCopied
    ? 'Run `mobyvm down`, then `mobyvm up`: it copies the image of the package again.'
    : 'Install mobyvm again.';
  return new MobyvmError(code, message, remedy, { cause: error });
}
