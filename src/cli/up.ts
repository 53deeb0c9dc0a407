import { MobyvmError } from '../core/values/index.js';
import type { DaemonInfo } from '../protocol/messages.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import { dockerHostLine } from '../protocol/platform.js';
import type { CommandContext, CommandResult } from './context.js';
import {
  endDaemon,
  findDaemon,
  isNotRunning,
  startDaemon,
  waitForLeavingDaemon,
  type FoundDaemon,
} from './find-daemon.js';
import { runOperation } from './operation.js';
import { refuseOtherPaths } from './other-paths.js';

export interface UpOptions {
  readonly namespace: string | undefined;
}

/** `mobyvm up`: a running machine afterwards, or the reason why not and nothing left behind. */
export async function up(context: CommandContext, { namespace }: UpOptions): CommandResult {
  const { platform, terminal } = context;
  const daemon = await daemonFor(context, namespace);
  try {
    await runOperation(context, daemon.client, 'up');
  } catch (error) {
    if (context.interrupted.aborted) await endUnlessUsed(context, daemon);
    throw error;
  }
  const { network, engine } = await daemon.client.status();
  terminal.out(`mobyvm is up: Docker ${engine.version ?? ''} at ${network.vmAddress ?? ''}.`);
  const isWhereUsual = engine.usual !== undefined && engine.usual.problem === undefined;
  terminal.out(isWhereUsual ? '  `docker` finds it.' : `  ${dockerHostLine(platform, engine.endpoint)}`);
  return EXIT_OK;
}

async function daemonFor(context: CommandContext, namespace: string | undefined): Promise<FoundDaemon> {
  const found = await findDaemon(context);
  const isUsable = found !== undefined && !(await waitForLeavingDaemon(context, found));
  const daemon = isUsable ? found : await startDaemon(context, { namespace, checksSettings: true });
  await refuseOtherPaths(context, daemon.info);
  refuseOtherNamespace(daemon.info, namespace);
  return daemon;
}

/** An interrupted start leaves no daemon without work behind, whichever of several commands started it. */
async function endUnlessUsed(context: CommandContext, daemon: FoundDaemon): Promise<void> {
  if (!daemon.info.daemon.isBackground) return;
  try {
    await endDaemon(context, daemon);
  } catch (error) {
    // Another command still needs it, or was quicker.
    const isOthers = error instanceof MobyvmError && error.code === 'MOBYVM_BUSY';
    if (!isOthers && !isNotRunning(error)) throw error;
  }
}

function refuseOtherNamespace({ namespace }: DaemonInfo, asked: string | undefined): void {
  if (asked === undefined || namespace === asked) return;
  throw new MobyvmError(
    'MOBYVM_DAEMON_RUNNING',
    `The daemon is running ${namespace === undefined ? 'outside of any network namespace' : `in the network namespace "${namespace}"`}, not in "${asked}".`,
    'Run `mobyvm down`, then retry; or give this instance its own MOBYVM_STATE_DIR and MOBYVM_RUN_DIR.',
  );
}
