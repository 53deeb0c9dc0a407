import { connect } from 'node:net';
import { fileLedger, sleep, startProgram, waitFor, type StartedProgram } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import {
  DAEMON_HEAP,
  daemonLock,
  makeInstanceFolders,
  type DaemonContext,
  type DaemonOptions,
} from './daemon-context.js';
import { ensureNamespace, removeNamespaces } from './daemon-namespace.js';
import { removeInstance, writeInstance } from './instance.js';
import { fileLock, runningError, type ProcessLock } from './process-lock.js';
import { PASSED_ON } from './stop-requests.js';

const START_TIMEOUT_SECONDS = 60;
const TURN_POLL_MS = 50;
const LISTEN_POLL_MS = 50;

/**
 * Creates the network namespace, if there is none of that name, and runs the daemon inside it: a process cannot move
 * there by itself once it has threads. In the background this process ends when the daemon serves or has failed; in
 * the foreground it waits for the daemon, passes stop requests on, and ends with its exit code.
 *
 * Whatever it leaves when it is killed is in the ledger, and the end of the next daemon removes it.
 * @throws MobyvmError MOBYVM_DAEMON_RUNNING, MOBYVM_NAMESPACE, MOBYVM_STATE_FILE
 */
export async function startInNamespace(
  context: DaemonContext,
  options: DaemonOptions & { readonly namespace: string },
): Promise<number> {
  const { paths } = context;
  await makeInstanceFolders(context);
  const turn = await takeTurn(context);
  let daemon: StartedProgram;
  let stopPassingOn: () => void;
  try {
    const holder = await daemonLock(context).holder();
    if (holder !== undefined) throw runningError(holder);
    daemon = await enter(context, options);
    stopPassingOn = passOn(context.interrupted, daemon);
    await untilServing(paths.controlSocket, daemon);
    if (daemon.exitCode !== undefined && daemon.exitCode !== EXIT_OK) await leaveNothing(context);
  } finally {
    await turn.release();
  }
  try {
    return options.isBackground ? (daemon.exitCode ?? EXIT_OK) : await daemon.end();
  } finally {
    stopPassingOn();
  }
}

/** Starts that make a namespace run one after the other, so that none removes what another is about to enter. */
async function takeTurn({ paths, processes, interrupted }: DaemonContext): Promise<ProcessLock> {
  const turns = fileLock(paths.startLockFile, processes);
  for (;;) {
    try {
      return await turns.take();
    } catch (error) {
      if (!(error instanceof MobyvmError) || error.code !== 'MOBYVM_DAEMON_RUNNING') throw error;
    }
    await sleep(TURN_POLL_MS, interrupted);
  }
}

async function enter(
  context: DaemonContext,
  options: DaemonOptions & { readonly namespace: string },
): Promise<StartedProgram> {
  const { paths, self, env, interrupted } = context;
  const [program, entry] = self;
  const { namespace, startsMachine, isBackground } = options;
  const lock = await daemonLock(context).take();
  try {
    // First: the next daemon has to look there for what a killed one leaves.
    await writeInstance(paths.runDir, { namespace });
    await ensureNamespace(paths, namespace, interrupted);
  } catch (error) {
    await removeNamespaces(paths).catch(() => undefined);
    await removeInstance(paths.runDir);
    throw error;
  } finally {
    await lock.release();
  }
  const flags = [...(startsMachine ? [] : ['--no-start']), ...(isBackground ? ['--background'] : [])];
  return startProgram(
    'ip',
    [
      'netns',
      'exec',
      namespace,
      program,
      ...DAEMON_HEAP,
      entry,
      'daemon',
      '--netns',
      namespace,
      '--inside',
      ...flags,
    ],
    { output: 'inherit', env },
  );
}

/** Both of us may have got the same request (a service manager signals the whole group): this one counts once. */
function passOn(interrupted: AbortSignal, daemon: StartedProgram): () => void {
  const pass = (): void => daemon.signal(PASSED_ON);
  if (interrupted.aborted) pass();
  interrupted.addEventListener('abort', pass, { once: true });
  return () => interrupted.removeEventListener('abort', pass);
}

async function untilServing(path: string, daemon: StartedProgram): Promise<void> {
  await waitFor(
    {
      title: 'the daemon to start',
      code: 'MOBYVM_DAEMON_START',
      timeoutSeconds: START_TIMEOUT_SECONDS,
      hint: 'See `mobyvm logs`.',
      everyMs: LISTEN_POLL_MS,
      check: async () => daemon.exitCode !== undefined || (await isListening(path)),
    },
    new AbortController().signal,
  );
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const settle = (answer: boolean): void => {
      probe.destroy();
      resolve(answer);
    };
    probe.once('connect', () => settle(true));
    probe.once('error', () => settle(false));
  });
}

/** After a daemon that did not start. One that got the lock instead removes the namespace when it exits. */
async function leaveNothing(context: DaemonContext): Promise<void> {
  const { paths } = context;
  let lock: ProcessLock;
  try {
    lock = await daemonLock(context).take();
  } catch {
    return;
  }
  try {
    await removeNamespaces(paths);
    if ((await fileLedger(paths.ledgerFile).list()).length === 0) await removeInstance(paths.runDir);
  } finally {
    await lock.release();
  }
}
