import { join } from 'node:path';
import { run } from '../core/host/index.js';
import { errnoOf, isAbort, MobyvmError, textOf } from '../core/values/index.js';
import type { DaemonContext } from './daemon-context.js';
import { imageLocation } from './image-location.js';
import { loadSettings } from './settings/load.js';

const BUILD_TIMEOUT_MS = 60 * 60 * 1000;

export interface ImageBuildOptions {
  readonly recipe: string;
  /** Gets each line of the build's output. */
  readonly onLine: (line: string) => void;
}

/**
 * Builds the boot image from guest/, into the folder that `up` takes it from.
 * @returns that folder
 */
export async function buildImage(
  { paths, platform, rights, interrupted, packageDir }: DaemonContext,
  { recipe, onLine }: ImageBuildOptions,
): Promise<string> {
  if (platform === 'windows') throw windowsError();
  if (!(await rights.areHeld())) throw rightsError(rights.remedy);
  const settings = await loadSettings(paths.settingsFile, platform);
  const { directory: output } = imageLocation(settings, paths, join);
  const script = join(packageDir, 'scripts', 'build-guest');
  try {
    await run(script, ['--recipe', recipe, '--output', output], {
      timeoutMs: BUILD_TIMEOUT_MS,
      signal: interrupted,
      onLine,
    });
  } catch (error) {
    if (isAbort(error) || interrupted.aborted) throw error;
    throw new MobyvmError(
      'MOBYVM_IMAGE_BUILD',
      `Building the boot image failed (recipe ${recipe}): ${reason(error)}`,
      'Fix the problem that the build reports above, then run `mobyvm image build` again.',
      { cause: error },
    );
  }
  return output;
}

function windowsError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_PLATFORM',
    'The boot image is built from Linux packages, so it can be built on Linux only.',
    'Run scripts/build-guest on a Debian machine and copy `mobyvm.iso` and `manifest.json` to the folder that `image.directory` names.',
  );
}

function rightsError(remedy: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_NOT_ROOT',
    'Building the boot image needs root: its packages are installed as root, and its files belong to root.',
    remedy,
  );
}

function reason(error: unknown): string {
  if (errnoOf(error) === 'EACCES') return 'scripts/build-guest is not executable.';
  const hasFailed = error instanceof MobyvmError && error.code === 'MOBYVM_PROGRAM_FAILED';
  return hasFailed ? 'the build script failed.' : textOf(error);
}
