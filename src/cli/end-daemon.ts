import { waitFor } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import type { ControlClient } from './control-client.js';
import { removeInstance } from '../daemon/instance.js';
import { lockHolder } from '../daemon/process-lock.js';
import type { CommandContext } from './context.js';
import { removeNamespaces } from './namespace.js';

/** Ends a daemon whose machine is down, waits until it is gone, and takes away what only its starter could make. */
export async function endDaemon(context: CommandContext, client: ControlClient): Promise<void> {
  const { paths } = context;
  // It may have ended by itself by now: a daemon in the background with nothing to do does.
  await client.exit().catch((error: unknown) => {
    if (!isNotRunning(error)) throw error;
  });
  await waitFor(
    {
      title: 'the daemon to end',
      code: 'MOBYVM_BUSY',
      timeoutSeconds: 30,
      hint: 'Look at `mobyvm logs`; if it hangs, kill its process.',
      everyMs: 50,
      check: async () => (await lockHolder(paths.lockFile)) === undefined,
    },
    new AbortController().signal,
  );
  await removeNamespaces(context);
  await removeInstance(paths.runDir);
}

/** True when the error only says that no daemon is there. */
export function isNotRunning(error: unknown): boolean {
  return error instanceof MobyvmError && error.code === 'MOBYVM_DAEMON_NOT_RUNNING';
}
