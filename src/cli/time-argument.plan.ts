const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d+(?:\.\d+)?[smhd])+$/;
/** As ISO 8601 writes it; without a time it is the beginning of that day, without a zone it is local time. */
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * A time as `docker logs` takes it: `10m`, `1h30m` and `2d` are times ago, `2026-11-29T07:30:00Z` a date and time.
 * @returns milliseconds since 1970; undefined if it is neither
 */
export function parseTimeArgument(text: string, nowMs: number): number | undefined {
  if (DURATION.test(text)) return nowMs - durationMs(text);
  const [, date, time = '00:00', zone = ''] = INSTANT.exec(text) ?? [];
  const atMs = date === undefined ? NaN : Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(atMs) ? undefined : atMs;
}

function durationMs(text: string): number {
  return [...text.matchAll(/([\d.]+)([smhd])/g)].reduce(
    (sum, [, amount, unit = 's']) => sum + Number(amount) * (UNIT_MS[unit] ?? 0),
    0,
  );
}
