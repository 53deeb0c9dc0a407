import { realpath } from 'node:fs/promises';
import { MobyvmError } from '../core/values/index.js';
import type { DaemonInfo } from '../protocol/messages.js';
import { movedTo, PATH_VARIABLES } from '../protocol/paths.js';
import type { CommandContext } from './context.js';

const COMPARED = ['stateDir', 'logDir', 'settingsFile'] as const;

/**
 * The run folder decides which daemon is asked, and that daemon keeps the paths that it was started with. A command
 * with other paths fails, so that nobody believes they were used.
 * @throws MobyvmError MOBYVM_DAEMON_RUNNING
 */
export async function refuseOtherPaths(
  { env, paths }: CommandContext,
  { daemon }: DaemonInfo,
): Promise<void> {
  const differences: string[] = [];
  for (const name of COMPARED) {
    if (movedTo(name, env) === undefined) continue;
    const [asked, used] = [paths[name], daemon[name]];
    if ((await resolved(asked)) === (await resolved(used))) continue;
    differences.push(`${PATH_VARIABLES[name]} is ${asked}, but the daemon uses ${used}`);
  }
  if (differences.length === 0) return;
  throw new MobyvmError(
    'MOBYVM_DAEMON_RUNNING',
    `The daemon of ${paths.runDir} (pid ${daemon.pid}) is running with other paths: ${differences.join('; ')}.`,
    `Give this instance its own ${PATH_VARIABLES.runDir} as well; or end that daemon by \`mobyvm down\` without these variables, then retry.`,
  );
}

/** Two names may lead to one file. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
