import { open } from 'node:fs/promises';
import { fileAccessError, fileMode, statIfPresent } from '../core/host/index.js';
import { MobyvmError } from '../core/values/index.js';
import { errorOf } from '../protocol/error-text.js';
import { errorAnswer } from '../protocol/messages.js';
import { missingRightsError } from '../protocol/platform.js';
import { DAEMON_HEAP, daemonLock, makeInstanceFolders, type DaemonContext } from './daemon-context.js';
import { refuseNamespaceOnWindows } from './refuse-namespace.js';
import { refuseUnusableRunFolder } from './run-folder.plan.js';
import { loadSettings } from './settings/load.js';

export interface BackgroundOptions {
  readonly namespace: string | undefined;
  /** Finds wrong settings before anything is started. What is to be removed is removed whatever they say. */
  readonly checksSettings: boolean;
}

export interface StartingDaemon {
  /** Why the daemon did not start; undefined while it still may. */
  failure(): Promise<MobyvmError | undefined>;
}

/**
 * Starts a daemon that outlives this process and doesn't start the VM by itself.
 * @throws MobyvmError MOBYVM_PLATFORM, MOBYVM_NOT_ROOT, MOBYVM_SETTINGS, and what its folders make impossible
 */
export async function startInBackground(
  context: DaemonContext,
  options: BackgroundOptions,
): Promise<StartingDaemon> {
  const { paths, self, env, platform, rights, background } = context;
  refuseNamespaceOnWindows(platform, options.namespace);
  if (options.checksSettings) await loadSettings(paths.settingsFile, platform);
  background.check();
  if (platform === 'linux') refuseUnusableRunFolder(paths.runDir);
  if (!(await rights.areHeld())) throw missingRightsError(rights);
  await prepareFolders(context);
  const outputFrom = (await statIfPresent(paths.daemonOutput))?.size ?? 0;
  const [program, entry] = self;
  const namespace = options.namespace === undefined ? [] : ['--netns', options.namespace];
  const started = await background.start({
    command: [program, ...DAEMON_HEAP, entry, 'daemon', '--no-start', '--background', ...namespace],
    env,
    outputFile: paths.daemonOutput,
  });
  return {
    async failure() {
      if (started.exitCode === undefined) return undefined;
      // Another starter was quicker; its daemon serves soon.
      if ((await daemonLock(context).holder()) !== undefined) return undefined;
      return startError((await readFrom(paths.daemonOutput, outputFrom)).trim());
    },
  };
}

/** Checked before anything is created: most problems with paths show up here. */
async function prepareFolders(context: DaemonContext): Promise<void> {
  const { paths } = context;
  await makeInstanceFolders(context);
  try {
    await (await open(paths.daemonOutput, 'a', fileMode('owner'))).close();
  } catch (error) {
    throw fileAccessError(paths.daemonOutput, error);
  }
}

function startError(output: string): MobyvmError {
  return (
    reportedError(output) ??
    new MobyvmError(
      'MOBYVM_DAEMON_START',
      output === ''
        ? 'The daemon exited without an error message.'
        : `The daemon did not start. Its output:\n${output}`,
      'Fix the problem above and retry; `mobyvm logs` may have more.',
    )
  );
}

/** The error that a daemon in the background prints last. */
function reportedError(output: string): MobyvmError | undefined {
  try {
    return errorOf(errorAnswer.parse(JSON.parse(output.split('\n').at(-1) ?? '')).error);
  } catch {
    // It crashed, or a program before it failed (ip, node): then the output is all that is known.
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
