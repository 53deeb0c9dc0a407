const GAP = 2;
/** Columns do not become narrower than this, or than they are. */
const NARROWEST = 8;

/**
 * Lines with columns as wide as their longest cell.
 * @param columns of the terminal, if it is printed on one: the widest columns are cut until the lines fit
 */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns?: number,
): string[] {
  const all = [head, ...rows];
  const longest = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const widths = columns === undefined ? longest : fittingWidths(longest, columns - GAP * (head.length - 1));
  return all.map((row) =>
    row
      .map((cell, column) => cut(cell, widths[column] ?? 0).padEnd(widths[column] ?? 0))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** The widest ones give, one character at a time, until the sum fits or none can give any more. */
function fittingWidths(longest: readonly number[], available: number): readonly number[] {
  const widths = [...longest];
  let excess = longest.reduce((sum, width) => sum + width, 0) - available;
  for (; excess > 0; excess -= 1) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
}

function cut(cell: string, width: number): string {
  return cell.length <= width ? cell : `${cell.slice(0, Math.max(width - 1, 0))}…`;
}
