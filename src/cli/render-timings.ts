import type { MachineStatus } from '../protocol/messages.js';
import { seconds } from './render-progress.js';
import { tableLines } from './table.js';
import { withoutControls } from './terminal.js';

/** `mobyvm status --timings` for people. */
export function timingLines({ timings }: MachineStatus): readonly string[] {
  const { steps = [], guest = [] } = timings ?? {};
  if (steps.length === 0 && guest.length === 0)
    return ['The VM has not been started yet. Start it with `mobyvm up`.'];
  return [...hostLines(steps), ...(steps.length > 0 && guest.length > 0 ? [''] : []), ...guestLines(guest)];
}

type Timings = NonNullable<MachineStatus['timings']>;

/** Empty for a VM that an earlier daemon has started. */
function hostLines(steps: Timings['steps']): readonly string[] {
  if (steps.length === 0) return [];
  const total = steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return tableLines(
    ['STEP', 'TOOK'],
    [...steps.map(({ title, durationMs }) => [title, seconds(durationMs)]), ['in all', seconds(total)]],
  );
}

function guestLines(guest: Timings['guest']): readonly string[] {
  if (guest.length === 0) return [];
  return tableLines(
    ['GUEST', 'UPTIME', 'AFTER', 'REPORTS'],
    guest.map(({ stage, text, uptimeSeconds }, at) => [
      withoutControls(stage),
      seconds(uptimeSeconds * 1_000),
      seconds((uptimeSeconds - (guest[at - 1]?.uptimeSeconds ?? 0)) * 1_000),
      withoutControls(text),
    ]),
  );
}
