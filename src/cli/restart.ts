import { ControlClient } from './control-client.js';
import type { CommandContext, CommandResult } from './context.js';
import { EXIT_FINE } from './exit-code.js';
import { runOperation } from './operation.js';
import { refuseOtherPaths } from './other-paths.js';

/** `mobyvm restart`: down and up in one, with the settings read anew. */
export async function restart(context: CommandContext): CommandResult {
  const client = new ControlClient(context.paths.controlSocket);
  await refuseOtherPaths(context, client);
  // The daemon looks at its settings before it stops anything.
  await runOperation(context, client, 'restart');
  context.terminal.out('mobyvm was restarted.');
  return EXIT_FINE;
}
