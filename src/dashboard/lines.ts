/** The latest lines of a log. */
export interface KeptLines<T> {
  readonly lines: readonly T[];
  /** How many came before the first of these. */
  readonly dropped: number;
}

const KEPT = 2_000;

export function noLines<T>(): KeptLines<T> {
  return { lines: [], dropped: 0 };
}

export function withLines<T>(before: KeptLines<T>, more: readonly T[], isFirst: boolean): KeptLines<T> {
  if (isFirst) return { lines: more, dropped: 0 };
  const all = [...before.lines, ...more];
  const excess = Math.max(0, all.length - KEPT);
  return { lines: excess === 0 ? all : all.slice(excess), dropped: before.dropped + excess };
}
