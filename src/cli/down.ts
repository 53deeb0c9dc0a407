import { EXIT_OK } from '../protocol/exit-code.js';
import type { OperationName } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { endDaemon, findDaemon, startDaemon } from './find-daemon.js';
import { runOperation, type OperationArguments } from './operation.js';
import { refuseOtherPaths } from './other-paths.js';
import { savedText } from './render-status.js';

export interface DownOptions {
  /** Shut the VM down even if the settings want it saved. */
  readonly stop: boolean;
}

/** `mobyvm down`: saves the VM or shuts it down, and removes everything that was set up for it; the data stays. */
export async function down(context: CommandContext, { stop }: DownOptions): CommandResult {
  const { daemon, paths, terminal } = context;
  const found = await findDaemon(context);
  const stateDir = found?.info.daemon.stateDir ?? paths.stateDir;
  // Every effect is in the ledger before it is had: an empty one means that there is nothing to remove.
  if (found === undefined && (await daemon.leftovers()) === 0) {
    const saved = await daemon.savedVm(stateDir);
    if (saved === undefined || !stop) {
      terminal.out(`mobyvm is not running.${saved === undefined ? '' : ` Its VM is ${savedText(saved)}.`}`);
      return EXIT_OK;
    }
  }
  await removeWith(context, found, 'down', { stop });
  const saved = await daemon.savedVm(stateDir);
  if (saved !== undefined) {
    terminal.out(`mobyvm is down. Its VM is ${savedText(saved)}; \`mobyvm up\` resumes it.`);
    return EXIT_OK;
  }
  // A first `up` that failed has left none.
  const hasData = (await daemon.dataDisk(stateDir)) !== undefined;
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
  const daemon =
    found ?? (await startDaemon(context, { namespace: await namespaceOf(context), checksSettings: false }));
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

/** Where a saved VM has its network when it is resumed to shut down. What a killed daemon left names another. */
async function namespaceOf({ daemon, paths }: CommandContext): Promise<string | undefined> {
  if ((await daemon.leftovers()) > 0) return undefined;
  return (await daemon.savedVm(paths.stateDir))?.namespace;
}
