import { open } from 'node:fs/promises';
import {
  cannotUse,
  makeFolder,
  runDetached,
  findProcess,
  sleep,
  statIfPresent,
  waitFor,
} from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { ControlClient } from './control-client.js';
import { errorAnswer } from '../protocol/messages.js';
import { removeInstance, writeInstance } from '../daemon/instance.js';
import { refuseOnWindows } from '../daemon/not-on-windows.js';
import { notRoot } from '../daemon/not-root.js';
import { hostPlatform } from '../daemon/platform.js';
import { lockHolder, takeLock, type ProcessLock } from '../daemon/process-lock.js';
import type { CommandContext } from './context.js';
import { ensureNamespace, removeNamespaces } from './namespace.js';
import { refuseOtherPaths } from './other-paths.js';

export interface DaemonConnection {
  readonly client: ControlClient;
  /** True when this call started the daemon, so that an interrupted command ends it again. */
  readonly isNew: boolean;
}

const START_TIMEOUT_SECONDS = 30;
const TURN_POLL_MS = 50;

/** Connects to the daemon, and starts it in the background when there is none. It does not start the VM by itself. */
export async function connectOrStartDaemon(
  context: CommandContext,
  namespace: string | undefined,
): Promise<DaemonConnection> {
  const { paths } = context;
  const client = new ControlClient(paths.controlSocket);
  if (await isServing(client)) return served(context, client);
  refuseOnWindows(hostPlatform());
  if (!context.isRoot) throw notRoot();
  const turn = await takeTurn(context);
  try {
    // Another command may have been quicker.
    if (await isServing(client)) return await served(context, client);
    return await startAnew(context, client, namespace);
  } finally {
    await turn.release();
  }
}

async function served(context: CommandContext, client: ControlClient): Promise<DaemonConnection> {
  await refuseOtherPaths(context, client);
  return { client, isNew: false };
}

/** Commands that start a daemon at once do it one after the other: each makes the namespace, and writes the ledger. */
async function takeTurn({ paths, interrupted }: CommandContext): Promise<ProcessLock> {
  for (;;) {
    try {
      return await takeLock(paths.startLockFile);
    } catch (error) {
      if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_DAEMON_RUNNING') throw error;
    }
    await sleep(TURN_POLL_MS, interrupted);
  }
}

async function startAnew(
  context: CommandContext,
  client: ControlClient,
  namespace: string | undefined,
): Promise<DaemonConnection> {
  const { paths } = context;
  await prepareFolders(context);
  try {
    await ensureNamespace(context, namespace);
    await writeInstance(paths.runDir, namespace === undefined ? {} : { namespace });
    return { client, isNew: await startDaemon(context, client, namespace) };
  } catch (error) {
    await leaveNothing(context).catch(() => undefined);
    throw error;
  }
}

/** Before anything is made: most of what can go wrong with a place goes wrong here. */
async function prepareFolders({ paths }: CommandContext): Promise<void> {
  for (const folder of [paths.stateDir, paths.runDir, paths.logDir]) await makeFolder(folder);
  try {
    await (await open(paths.daemonOutput, 'a', 0o600)).close();
  } catch (error) {
    throw cannotUse(paths.daemonOutput, error);
  }
}

/** True when it is ours that serves: of two commands at once one may find the other's. */
async function startDaemon(
  { paths, self, env }: CommandContext,
  client: ControlClient,
  namespace: string | undefined,
): Promise<boolean> {
  const [program, entry] = self;
  const daemon = [
    program,
    entry,
    'daemon',
    '--no-start',
    '--background',
    ...(namespace === undefined ? [] : ['--netns', namespace]),
  ];
  const [command = program, ...args] =
    namespace === undefined ? daemon : ['ip', 'netns', 'exec', namespace, ...daemon];
  const outputFrom = (await statIfPresent(paths.daemonOutput))?.size ?? 0;
  const pid = await runDetached(command, args, { logFile: paths.daemonOutput, env });
  const isHeld = async (): Promise<boolean> => (await lockHolder(paths.lockFile)) !== undefined;
  await waitUntilServing(client, { pid, isHeld, output: () => readFrom(paths.daemonOutput, outputFrom) });
  return (await lockHolder(paths.lockFile))?.pid === pid;
}

/** A daemon that did not start needs no namespace, unless another one was quicker and lives in it. */
async function leaveNothing(context: CommandContext): Promise<void> {
  if ((await lockHolder(context.paths.lockFile)) !== undefined) return;
  await removeNamespaces(context);
  await removeInstance(context.paths.runDir);
}

export async function isServing(client: ControlClient): Promise<boolean> {
  try {
    await client.info();
    return true;
  } catch (error) {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_DAEMON_NOT_RUNNING') return false;
    throw error;
  }
}

async function waitUntilServing(
  client: ControlClient,
  {
    pid,
    isHeld,
    output,
  }: {
    readonly pid: number;
    /** A daemon has the lock: one that another command started a moment earlier serves soon. */
    readonly isHeld: () => Promise<boolean>;
    readonly output: () => Promise<string>;
  },
): Promise<void> {
  let died = false;
  await waitFor(
    {
      title: 'the daemon to start',
      code: 'MOBYVM_DAEMON_START',
      timeoutSeconds: START_TIMEOUT_SECONDS,
      hint: 'Look at `mobyvm logs`.',
      everyMs: 50,
      giveUp: () => {
        if (died) throw new MobyvmError('MOBYVM_DAEMON_START', 'The daemon ended while it was starting.', '');
      },
      check: async () => {
        if (await isServing(client)) return true;
        died = (await findProcess(pid)) === undefined && !(await isHeld());
        return false;
      },
    },
    new AbortController().signal,
  ).catch(async (error: unknown) => {
    const said = (await output()).trim();
    throw (
      reportedError(said) ??
      new MobyvmError(
        'MOBYVM_DAEMON_START',
        said === ''
          ? 'The daemon did not start and said nothing.'
          : `The daemon did not start. It said:\n${said}`,
        'Mend what it says, then run the command again.',
        { cause: error },
      )
    );
  });
}

/** The error that a daemon in the background reported as its last words. */
function reportedError(said: string): MobyvmError | undefined {
  try {
    const { error } = errorAnswer.parse(JSON.parse(said.split('\n').at(-1) ?? ''));
    return new MobyvmError(error.code, error.message, error.remedy, { details: error.details });
  } catch {
    // It crashed, or something before it failed (ip, node): then its words are all there is.
    return undefined;
  }
}

async function readFrom(path: string, offset: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(4096), position: offset });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
