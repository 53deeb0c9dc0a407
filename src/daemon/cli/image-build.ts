import { join } from 'node:path';
import { errnoOf, isAbort, MobyvmError, run } from '../../core/index.js';
import { loadSettings } from '../settings/load.js';
import type { CommandContext, CommandResult } from './context.js';
import { EXIT_FINE } from './exit-code.js';

const BUILD_TIMEOUT_MS = 60 * 60 * 1000;

/** `mobyvm image build`: the boot image from guest/, into the folder that `up` takes it from. */
export async function imageBuild(
  context: CommandContext,
  { recipe }: { readonly recipe: string },
): CommandResult {
  const settings = await loadSettings(context.places.settingsFile);
  const output = settings.image.directory ?? context.places.imageDir;
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

function reason(error: unknown): string {
  if (errnoOf(error) === 'EACCES') return 'scripts/build-guest may not be run.';
  return error instanceof MobyvmError && error.code === 'MOBYVM_PROGRAM_FAILED'
    ? 'the build failed.'
    : error instanceof Error
      ? error.message
      : String(error);
}
