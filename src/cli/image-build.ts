import { EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult } from './context.js';

/** `mobyvm image build`: builds the boot image from guest/, into the folder that `up` takes it from. */
export async function imageBuild(
  { daemon, terminal }: CommandContext,
  { recipe }: { readonly recipe: string },
): CommandResult {
  const folder = await daemon.buildImage({ recipe, onLine: (line) => terminal.error(line) });
  terminal.out(`The boot image is in ${folder}.`);
  return EXIT_OK;
}
