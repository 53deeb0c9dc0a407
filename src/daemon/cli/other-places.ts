import { realpath } from 'node:fs/promises';
import { MobyvmError } from '../../core/index.js';
import type { ControlClient } from '../control/client.js';
import { movedTo, PLACE_VARIABLES } from '../places.js';
import type { CommandContext } from './context.js';

const COMPARED = ['stateDir', 'logDir', 'settingsFile'] as const;

/**
 * The run folder decides which daemon is asked; it keeps the places that it was started with. Who names others must not
 * take them for used.
 * @throws MobyvmError MOBYVM_DAEMON_RUNNING
 */
export async function refuseOtherPlaces(
  { env, places }: CommandContext,
  client: ControlClient,
): Promise<void> {
  const { daemon } = await client.info();
  const differences: string[] = [];
  for (const place of COMPARED) {
    if (movedTo(place, env) === undefined) continue;
    const [asked, used] = [places[place], daemon[place]];
    if ((await resolved(asked)) === (await resolved(used))) continue;
    differences.push(`${PLACE_VARIABLES[place]} is ${asked}, and the daemon uses ${used}`);
  }
  if (differences.length === 0) return;
  throw new MobyvmError(
    'MOBYVM_DAEMON_RUNNING',
    `A daemon (pid ${daemon.pid}) already runs with ${places.runDir}, and with other places: ${differences.join('; ')}.`,
    `Give this instance its own ${PLACE_VARIABLES.runDir} as well; or end that daemon by \`mobyvm down\` without these variables, then run the command again.`,
  );
}

/** Two names may lead to one place. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}
