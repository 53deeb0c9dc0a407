import { isDeepStrictEqual } from 'node:util';
import { MobyvmError, textOf } from '../../../src/core/values/index.js';
import type { PowerShell } from '../../../src/powershell/index.js';
import type { AnswerCmdlet } from '../pwsh-host/stub-calls.js';
import { SimulatedHost, type Fault } from './simulated-host.js';
import { WholeMachine } from './whole-machine.js';

export const FAULT_KINDS: readonly Fault[] = [
  'error',
  'denied',
  'in use',
  'reboot pending',
  'hang',
  'late',
  'afterwards',
  'nothing',
];

export interface MatrixOutcome {
  /** How many calls failed, each on a host of its own. */
  readonly runs: number;
  /** How many of those made the operation fail. */
  readonly failedRuns: number;
  /** What was wrong; empty if nothing was. */
  readonly problems: readonly string[];
}

type MakePowerShell = (answer: AnswerCmdlet) => PowerShell;

/**
 * Lets each call of `up` go wrong once: it leaves nothing, the next one works, and an uninstall leaves
 * nothing either.
 * @param every where that would take too long, only each so-manieth
 */
export function faultsOfUp(kind: Fault, makePowerShell: MakePowerShell, every = 1): Promise<MatrixOutcome> {
  return eachCall({ kind, every }, makePowerShell, async ({ whole, host, say, arm }) => {
    const before = await whole.world();
    arm();
    const thrown = await errorOf(whole.up());
    if (host.fault !== undefined) return 'over';
    if (thrown !== undefined) {
      if (!isClear(thrown)) say(`ended with an unclear error: ${textOf(thrown)}`);
      // What comes when everything was undone is known for ours by the next command.
      if (kind !== 'afterwards') await compare(whole, before, 'up', say);
      host.doAfterwards();
    }
    const again = await errorOf(whole.up());
    if (again !== undefined) say(`the next up failed: ${textOf(again)}`);
    if (host.machines.map(({ state }) => state).join(',') !== 'Running') say('the machine does not run');
    await whole.uninstall();
    await compare(whole, before, 'uninstall', say);
    return thrown === undefined ? 'bore it' : 'failed';
  });
}

/** Lets each call of an uninstall go wrong once: the next one finishes it. */
export function faultsOfUninstall(kind: Fault, makePowerShell: MakePowerShell): Promise<MatrixOutcome> {
  return eachCall({ kind, every: 1 }, makePowerShell, async ({ whole, host, say, arm }) => {
    const before = await whole.world();
    await whole.up();
    // The watcher's looks would be counted as well.
    await whole.driver.close();
    arm();
    const thrown = await errorOf(whole.uninstall());
    if (host.fault !== undefined) return 'over';
    if (thrown !== undefined && !isClear(thrown)) say(`ended with an unclear error: ${textOf(thrown)}`);
    host.doAfterwards();
    const again = await errorOf(whole.uninstall());
    if (again !== undefined) say(`the next uninstall failed: ${textOf(again)}`);
    await compare(whole, before, 'uninstall', say);
    return thrown === undefined ? 'bore it' : 'failed';
  });
}

interface Run {
  readonly whole: WholeMachine;
  readonly host: SimulatedHost;
  /** Notes a problem. */
  readonly say: (text: string) => void;
  /** From now on calls are counted. */
  readonly arm: () => void;
}

async function eachCall(
  { kind, every }: { readonly kind: Fault; readonly every: number },
  makePowerShell: MakePowerShell,
  run: (run: Run) => Promise<'over' | 'bore it' | 'failed'>,
): Promise<MatrixOutcome> {
  const problems: string[] = [];
  let failedRuns = 0;
  for (let [nth, runs] = [0, 0]; ; nth += every, runs += 1) {
    const host = new SimulatedHost();
    host.network.tentativeLooks = 0;
    const whole = await WholeMachine.create(host, makePowerShell(host.answer));
    const say = (text: string): void =>
      void problems.push(`"${kind}" at call ${nth}, ${host.faulted ?? '?'}: ${text}`);
    const arm = (): void => void (host.fault = { nth, kind });
    const outcome = await run({ whole, host, say, arm }).finally(() => whole.dispose());
    if (outcome === 'over') return { runs, failedRuns, problems };
    if (outcome === 'failed') failedRuns += 1;
  }
}

async function compare(whole: WholeMachine, before: unknown, what: string, say: Run['say']): Promise<void> {
  const after = await whole.world();
  if (!isDeepStrictEqual(after, before)) say(`${what} left behind ${JSON.stringify(after)}`);
}

/** For the user: what went wrong, and what to do. */
function isClear(thrown: unknown): boolean {
  if (thrown instanceof AggregateError) return thrown.errors.every(isClear);
  return thrown instanceof MobyvmError && thrown.remedy !== '';
}

function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}
