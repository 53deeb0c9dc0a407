import { realpath } from 'node:fs/promises';
import { MobyvmError } from '../core/values/index.js';
import type { ControlClient } from './control-client.js';
import { movedTo, PATH_VARIABLES } from '../protocol/paths.js';
import type { CommandContext } from './context.js';

const COMPARED = ['stateDir', 'logDir', 'settingsFile'] as const;

/**
 * The run folder decides which daemon is asked; it keeps the paths that it was started with. Who names others must not
 * take them for used.
 * @throws MobyvmError MOBYVM_DAEMON_RUNNING
 */
export async function refuseOtherPaths({ env, paths }: CommandContext, client: ControlClient): Promise<void> {
  const { daemon } = await client.info();
  const differences: string[] = [];
  for (const place of COMPARED) {
    if (movedTo(place, env) === undefined) continue;
    const [asked, used] = [paths[place], daemon[place]];
    if ((await resolved(asked)) === (await resolved(used))) continue;
    differences.push(`${PATH_VARIABLES[place]} is ${asked}, and the daemon uses ${used}`);
  }
  if (differences.length === 0) return;
  throw new MobyvmError(
    'MOBYVM_DAEMON_RUNNING',
    `A daemon (pid ${daemon.pid}) already runs with ${paths.runDir}, and with other paths: ${differences.join('; ')}.`,
    `Give this instance its own ${PATH_VARIABLES.runDir} as well; or end that daemon by \`mobyvm down\` without these variables, then run the command again.`,
  );
}

/** Two names may lead to one place. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
