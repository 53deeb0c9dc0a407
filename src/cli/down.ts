import { EXIT_OK } from '../protocol/exit-code.js';
import type { OperationName } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { endDaemon, findDaemon, startDaemon } from './find-daemon.js';
import { runOperation, type OperationArguments } from './operation.js';
import { refuseOtherPaths } from './other-paths.js';

/** `mobyvm down`: shuts the VM down and removes everything that was set up for it; the data stays. */
export async function down(context: CommandContext): CommandResult {
  const { daemon, paths, terminal } = context;
  const found = await findDaemon(context);
  // Every effect is in the ledger before it is had: an empty one means that there is nothing to remove.
  if (found === undefined && (await daemon.leftovers()) === 0) {
    terminal.out('mobyvm is not running.');
    return EXIT_OK;
  }
  await removeWith(context, found, 'down');
  // A first `up` that failed has left none.
  const hasData = (await daemon.dataDisk(found?.info.daemon.stateDir ?? paths.stateDir)) !== undefined;
  terminal.out(`mobyvm is down.${hasData ? ' Images, containers and volumes are kept.' : ''}`);
  return EXIT_OK;
}

/** Runs the last operation of a daemon and ends it. Without a daemon a new one finds what a killed one left. */
export async function removeWith(
  context: CommandContext,
  found: Awaited<ReturnType<typeof findDaemon>>,
  name: OperationName,
  args: OperationArguments = {},
): Promise<void> {
  const daemon = found ?? (await startDaemon(context, { namespace: undefined, checksSettings: false }));
  await refuseOtherPaths(context, daemon.info);
  try {
    await runOperation(context, daemon.client, name, args);
  } catch (error) {
    // It was started for this alone; an installer that removes the program's files next cannot wait for its idle end.
    if (found === undefined) await endDaemon(context, daemon).catch(() => undefined);
    throw error;
  }
  await endDaemon(context, daemon);
}
