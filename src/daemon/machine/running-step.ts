import type { MachineStatus } from '../../protocol/messages.js';

/** The step of an operation that is under way. */
export interface RunningStep {
  readonly id: string;
  readonly title: string;
  detail: string;
  /** As `performance.now()` tells it. */
  readonly startedMs: number;
}

export function stepNow({ id, title, detail, startedMs }: RunningStep): NonNullable<MachineStatus['step']> {
  return { id, title, detail, elapsedMs: Math.round(performance.now() - startedMs) };
}
