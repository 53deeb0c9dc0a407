import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Evidence, Outcome, Probe, Verdict } from './probe.js';

export interface RunProbesOptions {
  /** For all of them together; what has not begun by then is late. */
  readonly totalSeconds: number;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

/**
 * Makes every probe within its own time limit, and gives up one that ignores it. The outcomes are in the order of the
 * probes. @throws the signal's reason when it is aborted, and nothing else
 */
export async function runProbes(
  probes: readonly Probe[],
  { totalSeconds, signal, nowMs }: RunProbesOptions,
): Promise<readonly Outcome[]> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), totalSeconds * 1000);
  const both = AbortSignal.any([signal, over.signal]);
  try {
    const outcomes = new Map<string, Outcome>();
    const lanes = lanesOf(probes);
    await Promise.all(
      lanes.map(async (lane) => {
        for (const probe of lane) outcomes.set(probe.id, await make(probe, both, nowMs));
      }),
    );
    signal.throwIfAborted();
    return probes.flatMap(({ id }) => outcomes.get(id) ?? []);
  } finally {
    clearTimeout(timer);
  }
}

function lanesOf(probes: readonly Probe[]): readonly (readonly Probe[])[] {
  const lanes = new Map<string, Probe[]>();
  for (const probe of probes) {
    const lane = probe.lane ?? ` ${probe.id}`;
    lanes.set(lane, [...(lanes.get(lane) ?? []), probe]);
  }
  return [...lanes.values()];
}

async function make(probe: Probe, signal: AbortSignal, nowMs: () => number): Promise<Outcome> {
  const { id, title, group, seconds } = probe;
  const startedMs = nowMs();
  const outcome = (verdict: Verdict, reason: string, evidence?: Evidence): Outcome => ({
    id,
    title,
    group,
    verdict,
    durationMs: Math.round(nowMs() - startedMs),
    reason,
    evidence: evidence === undefined || 'absent' in evidence ? undefined : evidence,
  });
  if (signal.aborted) return outcome('late', 'not begun: the time for all probes was over');
  const limit = new AbortController();
  const both = AbortSignal.any([signal, limit.signal]);
  const timer = setTimeout(() => limit.abort(), seconds * 1000);
  // Before the probe itself sees the signal: what it makes of it does not matter any more.
  const late = new Promise<'late'>((resolve) => {
    both.addEventListener('abort', () => resolve('late'), { once: true });
  });
  try {
    const evidence = await Promise.race([late, probe.look(both)]);
    if (evidence === 'late')
      return outcome('late', `no answer within ${Math.round((nowMs() - startedMs) / 100) / 10} s`);
    return 'absent' in evidence ? outcome('absent', evidence.absent) : outcome('ok', '', evidence);
  } catch (error) {
    return outcome(isAbsence(error) ? 'absent' : 'failed', reasonOf(error));
  } finally {
    clearTimeout(timer);
    limit.abort();
  }
}

/** Nobody to ask is no failure of the question. */
function isAbsence(error: unknown): boolean {
  return error instanceof MobyvmError && ABSENCES.includes(error.code);
}

const ABSENCES: readonly string[] = ['MOBYVM_DAEMON_NOT_RUNNING', 'MOBYVM_PROGRAM_MISSING'];

function reasonOf(error: unknown): string {
  return error instanceof MobyvmError ? `${error.message} (${error.code})` : textOf(error);
}
