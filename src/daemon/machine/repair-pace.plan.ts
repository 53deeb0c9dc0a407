/** What came of looking for changes on the host. */
export type RepairOutcome =
  /** The machine is not up, an operation changes it, or another look was under way. */
  | 'skipped'
  | 'unchanged'
  /** Something was repaired, or could not be. */
  | 'changed';

/** How often a machine that is up is compared with what it should be. */
export interface RepairPauses {
  readonly shortMs: number;
  /** The longest pause while changes are announced and none was found. */
  readonly longMs: number;
}

/** The pause before the next look: short where nobody announces changes, and while there are some. */
export function nextRepairPauseMs(
  pauseMs: number,
  { outcome, isAnnounced }: { readonly outcome: RepairOutcome; readonly isAnnounced: boolean },
  { shortMs, longMs }: RepairPauses,
): number {
  return outcome === 'unchanged' && isAnnounced ? Math.min(pauseMs * 2, longMs) : shortMs;
}

const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 300_000;

/** How long a resource is left alone in the background after its repair has failed that many times in a row. */
export function retryPauseMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
}
