import { timeLimit } from '../core/host/index.js';
import { ERROR_CODES } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import type { CommandText } from './command.js';
import { completionOf, type Candidate, type CandidateSource } from './completion.plan.js';
import type { CommandContext, CommandResult } from './context.js';
import { ControlClient } from './control-client.js';
import { withoutControls } from './terminal.js';

/** Nobody waits longer for a key. */
const PATIENCE_MS = 1_000;

/**
 * What the completion scripts call. Prints a line for each candidate, and nothing if something fails: the user is in the
 * middle of a line.
 */
export async function complete(
  { paths, rights, terminal }: CommandContext,
  commands: readonly CommandText[],
  groups: Readonly<Record<string, string>>,
  [count = '1', ...typed]: readonly string[],
): CommandResult {
  // Shells that drop an empty last word still count it.
  const words = typed.length < Number(count) ? [...typed, ''] : typed;
  const { candidates, source } = completionOf(commands, groups, words);
  const client = new ControlClient(paths.controlSocket, rights);
  const more = source === undefined ? [] : await fromSource(source, client).catch(() => []);
  const [current = ''] = words.slice(-1);
  for (const { word, description } of [...candidates, ...more.filter(startsWith(current))])
    terminal.out(`${withoutControls(word)}\t${withoutControls(description.replaceAll(/\s+/g, ' '))}`);
  return EXIT_OK;
}

function startsWith(current: string): (candidate: Candidate) => boolean {
  return ({ word }) => word.startsWith(current);
}

async function fromSource(source: CandidateSource, client: ControlClient): Promise<readonly Candidate[]> {
  const signal = timeLimit(PATIENCE_MS);
  switch (source) {
    case 'shares': {
      const { shares } = await client.listShares(signal);
      return shares.map(({ name, hostPath, state }) => ({
        word: name,
        description: name === hostPath ? state : `${hostPath} (${state})`,
      }));
    }
    case 'host items': {
      const { items } = await client.listKvp('host', signal);
      return items.map(({ name }) => ({ word: name, description: 'Item of the host' }));
    }
    case 'error codes':
      return ERROR_CODES.map((word) => ({ word, description: '' }));
  }
}
