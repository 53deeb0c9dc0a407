import { EXIT_OK } from '../protocol/exit-code.js';
import type { CommandContext, CommandResult } from './context.js';
import { notRunningError } from './control-client.js';
import { findDaemon } from './find-daemon.js';
import { runOperation } from './operation.js';
import { refuseOtherPaths } from './other-paths.js';

/** `mobyvm restart`: down and up in one. The daemon checks the new settings before it stops anything. */
export async function restart(context: CommandContext): CommandResult {
  const daemon = await findDaemon(context);
  if (daemon === undefined) throw notRunningError();
  await refuseOtherPaths(context, daemon.info);
  await runOperation(context, daemon.client, 'restart');
  context.terminal.out('mobyvm was restarted.');
  return EXIT_OK;
}
