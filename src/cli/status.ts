import { sleep } from '../core/host/index.js';
import { isAbort } from '../core/values/index.js';
import { EXIT_FAILED, EXIT_OK } from '../protocol/exit-code.js';
import type { MachineStatus } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { ControlClient } from './control-client.js';
import { isNotRunning } from './find-daemon.js';
import { savedText, statusLines } from './render-status.js';
import { timingLines } from './render-timings.js';

/** How often a watch looks for a daemon while there is none. */
const LOOK_EVERY_MS = 500;

export interface StatusOptions {
  readonly json: boolean;
  readonly watch: boolean;
  /** Show how long the last start took instead. */
  readonly timings: boolean;
  /** Show everything. */
  readonly verbose: boolean;
}

/** `mobyvm status`: 0 when the Docker Engine can be used, and 1 otherwise, so that scripts can ask. */
export async function status(context: CommandContext, options: StatusOptions): CommandResult {
  const client = new ControlClient(context.paths.controlSocket, context.rights);
  try {
    if (options.watch) return await watch(context, client, options);
    const machine = await client.status();
    rendered(context, machine, options).forEach((line) => context.terminal.out(line));
    // The state follows the engine by some seconds.
    return machine.state === 'running' && machine.engine.reachable ? EXIT_OK : EXIT_FAILED;
  } catch (error) {
    if (!isNotRunning(error)) throw error;
    (await notRunning(context, options)).forEach((line) => context.terminal.out(line));
    return EXIT_FAILED;
  }
}

/** Continues when a daemon ends and when the next one starts, until Ctrl-C. */
async function watch(context: CommandContext, client: ControlClient, options: StatusOptions): CommandResult {
  const { terminal, interrupted } = context;
  const print = (lines: readonly string[]): void =>
    (options.json ? lines : [...lines, '']).forEach((line) => terminal.out(line));
  let printed = '';
  const unwatch = terminal.watchReader();
  try {
    for (;;) {
      for await (const each of daemonStatus(client, interrupted)) {
        printed = '';
        print(rendered(context, each, options));
      }
      // A daemon that ends still removes what it lived in: too early to report leftovers.
      if (printed === '') await sleep(LOOK_EVERY_MS, interrupted);
      const lines = await notRunning(context, options);
      if (lines.join() !== printed) print(lines);
      printed = lines.join();
      await sleep(LOOK_EVERY_MS, interrupted);
    }
  } catch (error) {
    // Ctrl-C is how watching ends.
    if (!isAbort(error) && !interrupted.aborted) throw error;
    return EXIT_OK;
  } finally {
    unwatch();
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

function rendered(
  { platform }: CommandContext,
  machine: MachineStatus,
  { json, timings, verbose }: StatusOptions,
): readonly string[] {
  if (json) return [JSON.stringify(machine)];
  return timings ? timingLines(machine) : statusLines(machine, platform, { verbose });
}

async function notRunning(
  { daemon, paths }: CommandContext,
  { json }: StatusOptions,
): Promise<readonly string[]> {
  const leftovers = await daemon.leftovers();
  const saved = await daemon.savedVm(paths.stateDir);
  const isSaved = leftovers === 0 && saved !== undefined;
  if (json)
    return [
      JSON.stringify(isSaved ? { state: 'saved', leftovers, saved } : { state: 'not-running', leftovers }),
    ];
  if (isSaved) return [`mobyvm is not running. Its VM is ${savedText(saved)}; \`mobyvm up\` resumes it.`];
  if (leftovers === 0) return ['mobyvm is not running. Start it with `mobyvm up`.'];
  return [
    'The mobyvm daemon is not running, but what it set up is still there (the VM may be running).',
    '  → `mobyvm up` takes the VM over without a restart; `mobyvm down` shuts it down and cleans up.',
  ];
}
