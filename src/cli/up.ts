import { waitFor } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { ControlClient } from './control-client.js';
import { hasInstance, readInstance } from '../daemon/instance.js';
import { loadSettings } from '../daemon/settings/load.js';
import type { CommandContext, CommandResult } from './context.js';
import { EXIT_FINE } from './exit-code.js';
import { endDaemon, isNotRunning } from './end-daemon.js';
import { runOperation } from './operation.js';
import { connectOrStartDaemon, isServing } from './start-daemon.js';

export interface UpOptions {
  readonly namespace: string | undefined;
}

/** `mobyvm up`: a running machine afterwards, or the reason why not and nothing left behind. */
export async function up(context: CommandContext, options: UpOptions): CommandResult {
  const { paths } = context;
  const namespace = options.namespace ?? (await readInstance(paths.runDir)).namespace;
  await waitForLeavingDaemon(context);
  // Wrong settings are found before anything is started; a daemon that runs looks at its own.
  if (!(await isServing(new ControlClient(paths.controlSocket)))) await loadSettings(paths.settingsFile);
  const { client, isNew } = await connectOrStartDaemon(context, namespace);
  await refuseOtherNamespace(client, options.namespace);
  try {
    await runOperation(context, client, 'up');
  } catch (error) {
    if (context.interrupted.aborted) await endUnlessUsed(context, client, isNew);
    throw error;
  }
  const { network, engine } = await client.status();
  context.terminal.out(`mobyvm is up: Docker ${engine.version ?? ''} at ${network.vmAddress ?? ''}.`);
  context.terminal.out(`  export DOCKER_HOST=unix://${engine.endpoint}`);
  return EXIT_FINE;
}

/** An interrupted start leaves no daemon without work behind, whichever of several commands had started it. */
async function endUnlessUsed(context: CommandContext, client: ControlClient, isNew: boolean): Promise<void> {
  try {
    if (isNew || (await client.info()).daemon.isBackground) await endDaemon(context, client);
  } catch (error) {
    // Another command still needs it, or was quicker.
    const isOthers = error instanceof MobyvmError && error.code === 'MOBYVM_BUSY';
    if (!isOthers && !isNotRunning(error)) throw error;
  }
}

async function refuseOtherNamespace(client: ControlClient, asked: string | undefined): Promise<void> {
  if (asked === undefined) return;
  const { namespace } = await client.info();
  if (namespace === asked) return;
  throw new MobyvmError(
    'MOBYVM_DAEMON_RUNNING',
    `The daemon already runs ${namespace === undefined ? 'outside of any network namespace' : `in the network namespace "${namespace}"`}, not in "${asked}".`,
    'End it with `mobyvm down`, then run the command again; or give this instance its own MOBYVM_STATE_DIR and MOBYVM_RUN_DIR.',
  );
}

/** A `down` in progress ends its daemon and removes what that ran in: only after it can a new one be started. */
async function waitForLeavingDaemon(context: CommandContext): Promise<void> {
  const { paths, terminal, interrupted } = context;
  const client = new ControlClient(paths.controlSocket);
  if (!(await isServing(client)) || (await client.info()).state !== 'stopping') return;
  terminal.error('A "mobyvm down" is under way; waiting for its end.');
  await waitFor(
    {
      title: 'the "mobyvm down" under way to end',
      code: 'MOBYVM_BUSY',
      timeoutSeconds: 180,
      hint: 'Run `mobyvm status` to see what it does.',
      // Its client takes the namespace and this file away last, when the daemon is gone.
      check: async () => !(await hasInstance(paths.runDir)),
    },
    interrupted,
  );
}
