import { fileLedger, isAbort } from '../../core/index.js';
import { ControlClient } from '../control/client.js';
import type { MachineStatus } from '../control/protocol.js';
import type { CommandContext, CommandResult } from './context.js';
import { isNotRunning } from './end-daemon.js';
import { EXIT_FAILED, EXIT_FINE } from './exit-code.js';
import { statusLines } from './render-status.js';

export interface StatusOptions {
  readonly json: boolean;
  readonly watch: boolean;
}

/** `mobyvm status`: 0 when the machine runs, 1 in every other state, so that scripts can ask. */
export async function status(context: CommandContext, options: StatusOptions): CommandResult {
  const client = new ControlClient(context.places.controlSocket);
  try {
    return options.watch
      ? await watch(context, client, options)
      : show(context, await client.status(), options);
  } catch (error) {
    if (!isNotRunning(error)) throw error;
    return notRunning(context, options);
  }
}

async function watch(context: CommandContext, client: ControlClient, options: StatusOptions): CommandResult {
  let code = EXIT_FAILED;
  try {
    for await (const each of client.watchStatus(context.interrupted)) {
      code = show(context, each, options);
      if (!options.json) context.terminal.out('');
    }
  } catch (error) {
    // Ctrl-C is how watching ends.
    if (!isAbort(error) && !context.interrupted.aborted) throw error;
    return EXIT_FINE;
  }
  return context.interrupted.aborted ? EXIT_FINE : code;
}

function show(context: CommandContext, machine: MachineStatus, { json }: StatusOptions): number {
  if (json) context.terminal.out(JSON.stringify(machine));
  else statusLines(machine).forEach((line) => context.terminal.out(line));
  return machine.state === 'running' ? EXIT_FINE : EXIT_FAILED;
}

async function notRunning(context: CommandContext, { json }: StatusOptions): CommandResult {
  const leftovers = (await fileLedger(context.places.ledgerFile).list()).length;
  if (json) {
    context.terminal.out(JSON.stringify({ state: 'not-running', leftovers }));
  } else if (leftovers === 0) {
    context.terminal.out('mobyvm is not running. Start it with `mobyvm up`.');
  } else {
    context.terminal.out(
      'The mobyvm daemon is not running, but what it set up is still there (the VM may be running).',
    );
    context.terminal.out('  → `mobyvm up` takes it over without a restart, `mobyvm down` takes it away.');
  }
  return EXIT_FAILED;
}
