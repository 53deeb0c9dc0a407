import { waitFor } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import type { DaemonInfo } from '../protocol/messages.js';
import type { BackgroundOptions, CommandContext } from './context.js';
import { ControlClient } from './control-client.js';

/** A daemon that answered; what it said then is handed on, so that a command asks once. */
export interface FoundDaemon {
  readonly client: ControlClient;
  readonly info: DaemonInfo;
}

const START_TIMEOUT_SECONDS = 60;

/** @throws MobyvmError MOBYVM_CONTROL_API when one is there and does not answer, MOBYVM_NOT_ROOT */
export async function findDaemon({ paths, rights }: CommandContext): Promise<FoundDaemon | undefined> {
  const client = new ControlClient(paths.controlSocket, rights);
  try {
    return { client, info: await client.info() };
  } catch (error) {
    if (isNotRunning(error)) return undefined;
    throw error;
  }
}

/**
 * Starts a daemon in the background and waits until it answers. Of several commands that do so at the same time, all
 * get the one daemon that was quickest.
 */
export async function startDaemon(context: CommandContext, options: BackgroundOptions): Promise<FoundDaemon> {
  const { daemon } = context;
  let starting = await daemon.startInBackground(options);
  let found: FoundDaemon | undefined;
  let failure: MobyvmError | undefined;
  await waitFor(
    {
      title: 'the daemon to start',
      code: 'MOBYVM_DAEMON_START',
      timeoutSeconds: START_TIMEOUT_SECONDS,
      hint: 'See `mobyvm logs`.',
      everyMs: 50,
      giveUp: () => {
        if (failure !== undefined) throw failure;
      },
      check: async () => {
        found = await findDaemon(context);
        if (found !== undefined) return true;
        failure = await starting.failure();
        if (failure?.code !== 'MOBYVM_DAEMON_RUNNING') return false;
        // The daemon that was in the way has ended meanwhile.
        failure = undefined;
        starting = await daemon.startInBackground(options);
        return false;
      },
    },
    new AbortController().signal,
  );
  if (found === undefined)
    throw failure ?? new MobyvmError('MOBYVM_BUG', 'The daemon was lost while it started.', '');
  return found;
}

/** True when the error only says that there is no daemon. */
export function isNotRunning(error: unknown): boolean {
  return error instanceof MobyvmError && error.code === 'MOBYVM_DAEMON_NOT_RUNNING';
}

/** Ends a daemon whose machine is down, and waits until its process is gone. */
export async function endDaemon({ daemon }: CommandContext, { client }: FoundDaemon): Promise<void> {
  const holder = await daemon.holder();
  // A daemon in the background that has nothing to do ends by itself; it may have done so by now.
  await client.exit().catch((error: unknown) => {
    if (!isNotRunning(error)) throw error;
  });
  await waitFor(
    {
      title: 'the daemon to end',
      code: 'MOBYVM_BUSY',
      timeoutSeconds: 60,
      hint: 'See `mobyvm logs`; if the daemon hangs, kill its process.',
      everyMs: 50,
      check: async () => holder === undefined || !(await daemon.isAlive(holder)),
    },
    new AbortController().signal,
  );
}

/** Whoever starts the VM while a `down` is under way waits for its end, and for the end of its daemon. */
export async function waitForLeavingDaemon(context: CommandContext, found: FoundDaemon): Promise<boolean> {
  if (found.info.state !== 'stopping') return false;
  const { daemon, terminal, interrupted } = context;
  terminal.error('"mobyvm down" is in progress; waiting for it to finish.');
  let isGone = false;
  await waitFor(
    {
      title: '"mobyvm down" to finish',
      code: 'MOBYVM_BUSY',
      timeoutSeconds: 180,
      hint: 'See `mobyvm status`.',
      check: async () => {
        isGone = (await daemon.holder()) === undefined;
        if (isGone) return true;
        // It may have failed, or have been cancelled: then its daemon stays.
        const state = await found.client.info().then(
          ({ state: now }) => now,
          () => 'stopping',
        );
        return state !== 'stopping' && state !== 'stopped';
      },
    },
    interrupted,
  );
  return isGone;
}
