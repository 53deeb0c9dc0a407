import { fileLedger } from '../core/host/index.js';
import { ControlClient } from './control-client.js';
import { readInstance } from '../daemon/instance.js';
import type { CommandContext, CommandResult } from './context.js';
import { endDaemon } from './end-daemon.js';
import { EXIT_FINE } from './exit-code.js';
import { runOperation } from './operation.js';
import { connectOrStartDaemon, isServing } from './start-daemon.js';

/** `mobyvm down`: the VM shut down, and everything that was set up for it gone; its data stays. */
export async function down(context: CommandContext): CommandResult {
  const { paths, terminal } = context;
  const client = new ControlClient(paths.controlSocket);
  if (!(await isServing(client)) && (await isClean(context))) {
    terminal.out('mobyvm is not running.');
    return EXIT_FINE;
  }
  // A daemon that was killed leaves its VM and its network: a new one finds and removes them.
  await connectOrStartDaemon(context, (await readInstance(paths.runDir)).namespace);
  await runOperation(context, client, 'down');
  await endDaemon(context, client);
  terminal.out('mobyvm is down; its data stays.');
  return EXIT_FINE;
}

/** Nothing in the ledger means that nothing is set up on this machine: every effect is written there first. */
async function isClean(context: CommandContext): Promise<boolean> {
  return (await fileLedger(context.paths.ledgerFile).list()).length === 0;
}
