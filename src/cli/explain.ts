import { join } from 'node:path';
import { readFileIfPresent } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult } from './context.js';

/** `mobyvm explain CODE`: the code's section of docs/errors.md. The prefix is optional, and case does not matter. */
export async function explain(context: CommandContext, text: string): CommandResult {
  const upper = text.toUpperCase();
  const code = upper.startsWith('MOBYVM_') ? upper : `MOBYVM_${upper}`;
  const pages = (await readFileIfPresent(join(context.packageDir, 'docs', 'errors.md'))) ?? '';
  const sections = pages.split(/^## /m).slice(1);
  const section = sections.find((each) => each.startsWith(`${code}\n`));
  if (section === undefined) {
    throw new MobyvmError(
      'MOBYVM_UNKNOWN_CODE',
      `Unknown error code ${code}.`,
      `The error codes are: ${sections.map((each) => each.split('\n')[0]).join(', ')}.`,
    );
  }
  section
    .trimEnd()
    .split('\n')
    .forEach((line) => context.terminal.out(line));
  return EXIT_OK;
}
