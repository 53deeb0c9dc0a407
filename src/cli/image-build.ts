import { join } from 'node:path';
import { run } from '../core/host/index.js';
import { errnoOf, isAbort, MobyvmError } from '../core/values/index.js';
import { loadSettings } from '../daemon/settings/load.js';
import type { HostPlatform } from '../daemon/platform.js';
import type { CommandContext, CommandResult } from './context.js';
import { EXIT_FINE } from './exit-code.js';

const BUILD_TIMEOUT_MS = 60 * 60 * 1000;

/** `mobyvm image build`: the boot image from guest/, into the folder that `up` takes it from. */
export async function imageBuild(
  context: CommandContext,
  { recipe, platform }: { readonly recipe: string; readonly platform: HostPlatform },
): CommandResult {
  if (platform === 'windows') throw onWindows();
  if (!context.isRoot) throw notRoot();
  const settings = await loadSettings(context.paths.settingsFile);
  const output = settings.image.directory ?? context.paths.imageDir;
  const script = join(context.packageDir, 'scripts', 'build-guest');
  try {
    await run(script, ['--recipe', recipe, '--output', output], {
      timeoutMs: BUILD_TIMEOUT_MS,
      signal: context.interrupted,
      onLine: (line) => context.terminal.error(line),
    });
  } catch (error) {
    if (isAbort(error) || context.interrupted.aborted) throw error;
    throw new MobyvmError(
      'MOBYVM_IMAGE_BUILD',
      `The boot image (recipe ${recipe}) could not be built: ${reason(error)}`,
      'Mend what the build says above, then run `mobyvm image build` again.',
      {
        cause: error,
      },
    );
  }
  context.terminal.out(`The boot image is in ${output}.`);
  return EXIT_FINE;
}

function onWindows(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_PLATFORM',
    'The boot image is built from Linux packages, on Linux.',
    'Run scripts/build-guest on a Debian machine and copy `mobyvm.iso` and `manifest.json` into the folder that `image.directory` names.',
  );
}

function notRoot(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_NOT_ROOT',
    'Only root can build the boot image: its files belong to root, and its packages are installed as root.',
    'Run the command as root, for example with sudo.',
  );
}

function reason(error: unknown): string {
  if (errnoOf(error) === 'EACCES') return 'scripts/build-guest may not be run.';
  return error instanceof MobyvmError && error.code === 'MOBYVM_PROGRAM_FAILED'
    ? 'the build failed.'
    : error instanceof Error
      ? error.message
      : String(error);
}
