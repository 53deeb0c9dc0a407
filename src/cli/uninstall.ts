import { MobyvmError } from '../core/values/index.js';
import { EXIT_FAILED, EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult } from './context.js';
import { removeWith } from './down.js';
import { findDaemon } from './find-daemon.js';

export interface UninstallOptions {
  readonly keepData: boolean;
  readonly yes: boolean;
}

const QUESTION = 'Remove the data disk with all images, containers and volumes? [y/N] ';

/** `mobyvm uninstall`: removes everything that mobyvm created on this host; asks before the data disk goes. */
export async function uninstall(context: CommandContext, { keepData, yes }: UninstallOptions): CommandResult {
  const { daemon, input, paths, terminal, interrupted } = context;
  const asks = !keepData && !yes;
  if (asks && !input.isTerminal) throw unansweredError();
  const found = await findDaemon(context);
  const dataDisk = (): Promise<string | undefined> =>
    daemon.dataDisk(found?.info.daemon.stateDir ?? paths.stateDir);
  if (asks && (await dataDisk()) !== undefined) {
    terminal.prompt(QUESTION);
    if (!/^y(es)?$/i.test((await input.readLine(interrupted)).trim())) {
      terminal.error('Nothing was removed. Use --keep-data to uninstall mobyvm and keep the data disk.');
      return EXIT_FAILED;
    }
  }
  await removeWith(context, found, 'uninstall', { keepData });
  const kept = await dataDisk();
  terminal.out(`mobyvm was uninstalled.${kept === undefined ? '' : ` The data disk is kept: ${kept}`}`);
  return EXIT_OK;
}

function unansweredError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_USAGE',
    '"mobyvm uninstall" would remove the data disk with all images, containers and volumes, and cannot ask without a terminal.',
    'Add --yes to remove the data disk, or --keep-data to keep it.',
  );
}
