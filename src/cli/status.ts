import { fileLedger, sleep } from '../core/host/index.js';
import { isAbort } from '../core/values/index.js';
import { ControlClient } from './control-client.js';
import type { MachineStatus } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { isNotRunning } from './end-daemon.js';
import { EXIT_FAILED, EXIT_FINE } from './exit-code.js';
import { statusLines } from './render-status.js';

/** For a daemon that comes, where there is none. */
const LOOK_EVERY_MS = 500;

export interface StatusOptions {
  readonly json: boolean;
  readonly watch: boolean;
}

/** `mobyvm status`: 0 when the machine runs, 1 in every other state, so that scripts can ask. */
export async function status(context: CommandContext, options: StatusOptions): CommandResult {
  const client = new ControlClient(context.paths.controlSocket);
  try {
    if (options.watch) return await watch(context, client, options);
    const machine = await client.status();
    shown(machine, options).forEach((line) => context.terminal.out(line));
    return machine.state === 'running' ? EXIT_FINE : EXIT_FAILED;
  } catch (error) {
    if (!isNotRunning(error)) throw error;
    (await notRunning(context, options)).forEach((line) => context.terminal.out(line));
    return EXIT_FAILED;
  }
}

/** Goes on across the ends of daemons, until Ctrl-C. */
async function watch(context: CommandContext, client: ControlClient, options: StatusOptions): CommandResult {
  const { terminal, interrupted } = context;
  const tell = (lines: readonly string[]): void =>
    (options.json ? lines : [...lines, '']).forEach((line) => terminal.out(line));
  let told = '';
  try {
    for (;;) {
      for await (const each of daemonStatus(client, interrupted)) {
        told = '';
        tell(shown(each, options));
      }
      // After its daemon `down` takes away what that lived in: this is no time to speak of leftovers.
      if (told === '') await sleep(LOOK_EVERY_MS, interrupted);
      const lines = await notRunning(context, options);
      if (lines.join() !== told) tell(lines);
      told = lines.join();
      await sleep(LOOK_EVERY_MS, interrupted);
    }
  } catch (error) {
    // Ctrl-C is how watching ends.
    if (!isAbort(error) && !context.interrupted.aborted) throw error;
    return EXIT_FINE;
  }
}

/** Nothing while there is no daemon. */
async function* daemonStatus(client: ControlClient, signal: AbortSignal): AsyncGenerator<MachineStatus> {
  try {
    yield* client.watchStatus(signal);
  } catch (error) {
    if (!isNotRunning(error)) throw error;
  }
}

function shown(machine: MachineStatus, { json }: StatusOptions): readonly string[] {
  return json ? [JSON.stringify(machine)] : statusLines(machine);
}

async function notRunning(context: CommandContext, { json }: StatusOptions): Promise<readonly string[]> {
  const leftovers = (await fileLedger(context.paths.ledgerFile).list()).length;
  if (json) return [JSON.stringify({ state: 'not-running', leftovers })];
  if (leftovers === 0) return ['mobyvm is not running. Start it with `mobyvm up`.'];
  return [
    'The mobyvm daemon is not running, but what it set up is still there (the VM may be running).',
    '  → `mobyvm up` takes it over without a restart, `mobyvm down` takes it away.',
  ];
}
