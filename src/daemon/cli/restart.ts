import { ControlClient } from '../control/client.js';
import { loadSettings } from '../settings/load.js';
import type { CommandContext, CommandResult } from './context.js';
import { EXIT_FINE } from './exit-code.js';
import { runOperation } from './operation.js';

/** `mobyvm restart`: down and up in one, with the settings read anew. */
export async function restart(context: CommandContext): CommandResult {
  await loadSettings(context.places.settingsFile);
  const client = new ControlClient(context.places.controlSocket);
  await runOperation(context, client, 'restart');
  context.terminal.out('mobyvm was restarted.');
  return EXIT_FINE;
}
