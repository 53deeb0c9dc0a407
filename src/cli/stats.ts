import { sleep, timeLimit } from '../core/host/index.js';
import { isAbort, isTimeout, MobyvmError } from '../core/values/index.js';
import { EXIT_OK } from '../protocol/exit-code.js';
import { errorOf } from '../protocol/error-text.js';
import type { MachineStats, MachineStatus } from '../protocol/messages.js';
import type { CommandContext, CommandResult } from './context.js';
import { ControlClient, notRunningError, silentError } from './control-client.js';
import { isNotRunning } from './find-daemon.js';
import { statsLines } from './render-stats.js';
import { isOff, readingOf, type StatsReading } from './stats-reading.plan.js';

export interface StatsOptions {
  readonly json: boolean;
  /** Until Ctrl-C, where that makes sense: for a person at a terminal, or as JSON. */
  readonly isStreaming: boolean;
  readonly intervalMs: number;
}

/** Counters come every second, some milliseconds early or late: the nearest one is meant. */
const HALF_A_SECOND_MS = 500;
/** How long the first reading waits for the status, which asks the engine. */
const STATUS_PATIENCE_MS = 5_000;
/** Beside the interval: how long a single reading may take. */
const READING_TIMEOUT_MS = 20_000;
/** How often a stream looks for a daemon while there is none. */
const LOOK_EVERY_MS = 500;

/** `mobyvm stats`: what the VM uses. @throws MobyvmError MOBYVM_VM_STATE for a single reading of a VM that is off */
export function stats(context: CommandContext, options: StatsOptions): CommandResult {
  const isTerminal = context.terminal.tableColumns !== undefined;
  const isStreaming = options.isStreaming && (options.json || isTerminal);
  return isStreaming ? stream(context, options) : readOnce(context, options);
}

async function readOnce(context: CommandContext, { json, intervalMs }: StatsOptions): CommandResult {
  const { terminal, interrupted } = context;
  const reading = await firstReading(context, intervalMs);
  interrupted.throwIfAborted();
  if (reading === undefined) throw notRunningError();
  if (isOff(reading)) throw offError(reading);
  if (json) terminal.out(jsonOf(reading));
  else statsLines(reading, { columns: terminal.tableColumns }).forEach((line) => terminal.out(line));
  return EXIT_OK;
}

/** The first that is complete; one of a VM that is off is so at once. Undefined if the daemon ends before. */
async function firstReading(context: CommandContext, intervalMs: number): Promise<StatsReading | undefined> {
  const limit = timeLimit(intervalMs + READING_TIMEOUT_MS, context.interrupted);
  for await (const { reading, isComplete } of readings(clientOf(context), intervalMs, limit))
    if (isComplete || isOff(reading)) return reading;
  if (isTimeout(limit.reason)) throw silentError(limit.reason);
  return undefined;
}

/** Until Ctrl-C, which is how it ends. @throws MobyvmError MOBYVM_DAEMON_NOT_RUNNING at the start */
async function stream(context: CommandContext, options: StatsOptions): CommandResult {
  const unwatch = context.terminal.watchReader();
  try {
    return await follow(context, options);
  } catch (error) {
    if (!isAbort(error) && !context.interrupted.aborted) throw error;
    return EXIT_OK;
  } finally {
    unwatch();
  }
}

/** Continues when a daemon ends and when the next one starts. */
async function follow(context: CommandContext, { json, intervalMs }: StatsOptions): Promise<never> {
  const { terminal, interrupted } = context;
  const client = clientOf(context);
  let wasThere = false;
  let isLost = false;
  const show = ({ reading, isFirst }: TakenReading): void => {
    [wasThere, isLost] = [true, false];
    if (!json) draw(context, reading);
    // The first has no rates yet: it is for people who wait.
    else if (!isFirst) terminal.out(jsonOf(reading));
  };
  for (;;) {
    try {
      for await (const taken of readings(client, intervalMs, interrupted)) show(taken);
    } catch (error) {
      if (!wasThere || !isNotRunning(error)) throw error;
    }
    interrupted.throwIfAborted();
    if (!isLost) showLoss(context, json);
    [wasThere, isLost] = [true, true];
    await sleep(LOOK_EVERY_MS, interrupted);
  }
}

interface TakenReading {
  readonly reading: StatsReading;
  /** Nothing was counted before: there are no rates. */
  readonly isFirst: boolean;
  /** Has everything that can be known. */
  readonly isComplete: boolean;
}

/** Of one daemon, until it ends or the signal is aborted. @throws MobyvmError MOBYVM_DAEMON_NOT_RUNNING */
async function* readings(
  client: ControlClient,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<TakenReading> {
  let status: MachineStatus | undefined;
  let first: MachineStats | undefined;
  let before: MachineStats | undefined;
  for await (const event of client.watch(['status', 'stats'], signal)) {
    if (event.type === 'status') status = event.status;
    // Without a status only limits are unknown.
    if (event.type === 'unavailable' && event.topic === 'stats') throw errorOf(event.error);
    if (event.type !== 'stats') continue;
    const now = event.stats;
    if (before !== undefined && now.atMs - before.atMs < intervalMs - HALF_A_SECOND_MS) continue;
    first ??= now;
    yield {
      reading: readingOf(now, before, status),
      isFirst: before === undefined,
      isComplete:
        before !== undefined && (status !== undefined || now.atMs - first.atMs > STATUS_PATIENCE_MS),
    };
    before = now;
  }
}

function draw({ terminal }: CommandContext, reading: StatsReading): void {
  terminal.redraw(statsLines(reading, { columns: terminal.tableColumns, rows: terminal.tableRows }));
}

function showLoss({ terminal }: CommandContext, json: boolean): void {
  if (json) terminal.out(JSON.stringify({ time: new Date().toISOString(), state: 'not-running' }));
  else terminal.redraw(['The daemon is not running. Waiting for it; `mobyvm up` starts it.']);
}

function jsonOf(reading: StatsReading): string {
  return JSON.stringify({ time: new Date().toISOString(), ...reading });
}

function clientOf({ paths, rights }: CommandContext): ControlClient {
  return new ControlClient(paths.controlSocket, rights);
}

function offError({ state }: StatsReading): MobyvmError {
  return new MobyvmError(
    'MOBYVM_VM_STATE',
    state === 'saved' ? 'The VM is saved.' : `The VM is off (the machine is ${state}).`,
    'Start it with `mobyvm up`.',
  );
}
