import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, isAbort, MobyvmError, runDetached, seeProcess, waitFor } from '../../core/index.js';
import { ControlClient } from '../control/client.js';
import { writeInstance } from '../instance.js';
import { notRoot } from '../not-root.js';
import type { CommandContext } from './context.js';
import { ensureNamespace } from './namespace.js';

export interface DaemonConnection {
  readonly client: ControlClient;
  /** True when this call started the daemon, so that an interrupted command ends it again. */
  readonly isNew: boolean;
}

const START_TIMEOUT_SECONDS = 30;

/** Connects to the daemon, and starts it in the background when there is none. It does not start the VM by itself. */
export async function connectOrStartDaemon(
  context: CommandContext,
  namespace: string | undefined,
): Promise<DaemonConnection> {
  const { places } = context;
  const client = new ControlClient(places.controlSocket);
  if (await isServing(client)) return { client, isNew: false };
  if (!context.isRoot) throw notRoot();
  for (const directory of [places.stateDir, places.runDir, places.logDir])
    await mkdir(directory, { recursive: true, mode: 0o755 });
  await ensureNamespace(context, namespace);
  await writeInstance(places.runDir, namespace === undefined ? {} : { namespace });
  const [program, entry] = context.self;
  const daemon = [
    program,
    entry,
    'daemon',
    '--no-start',
    ...(namespace === undefined ? [] : ['--netns', namespace]),
  ];
  const [command = program, ...args] =
    namespace === undefined ? daemon : ['ip', 'netns', 'exec', namespace, ...daemon];
  await mkdir(dirname(places.daemonOutput), { recursive: true });
  const outputFrom = await sizeOf(places.daemonOutput);
  const pid = await runDetached(command, args, { logFile: places.daemonOutput, env: context.env });
  await waitUntilServing(client, pid, async () => readFrom(places.daemonOutput, outputFrom));
  return { client, isNew: true };
}

export async function isServing(client: ControlClient): Promise<boolean> {
  try {
    await client.status(AbortSignal.timeout(10_000));
    return true;
  } catch (error) {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_DAEMON_NOT_RUNNING') return false;
    if (isAbort(error) || (error instanceof Error && error.name === 'TimeoutError')) {
      throw new MobyvmError(
        'MOBYVM_CONTROL_API',
        'The daemon does not answer.',
        'Look at `mobyvm logs`; if it hangs, kill its process: VM and containers go on, and `mobyvm up` starts a new daemon.',
        { cause: error },
      );
    }
    throw error;
  }
}

async function waitUntilServing(
  client: ControlClient,
  pid: number,
  output: () => Promise<string>,
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
        died = (await seeProcess(pid)) === undefined;
        return false;
      },
    },
    new AbortController().signal,
  ).catch(async (error: unknown) => {
    const said = (await output()).trim();
    throw new MobyvmError(
      'MOBYVM_DAEMON_START',
      said === ''
        ? 'The daemon did not start and said nothing.'
        : `The daemon did not start. It said:\n${said}`,
      'Mend what it says, then run the command again.',
      { cause: error },
    );
  });
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 0;
    throw error;
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
