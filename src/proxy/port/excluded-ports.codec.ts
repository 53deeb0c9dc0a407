import { CodecError } from '../../core/values/index.js';

/** A range of ports that Windows keeps from everybody (Hyper-V, WSL and others take them at its start). */
export interface ExcludedPorts {
  readonly first: number;
  readonly last: number;
}

/**
 * Reads what `netsh interface ipv4 show excludedportrange protocol=tcp` prints. Its words are in the system's language; a range
 * is a line of two numbers, with a star behind them when an administrator made it.
 * @throws CodecError for a range that is none
 */
export function decodeExcludedPorts(text: string): readonly ExcludedPorts[] {
  const ranges: ExcludedPorts[] = [];
  for (const { 0: line, 1: from, 2: to, index } of text.matchAll(
    /^[ \t]*(\d+)[ \t]+(\d+)[ \t]*\*?[ \t]*\r?$/gm,
  )) {
    const [first, last] = [Number(from), Number(to)];
    if (first > last || last > 65_535)
      throw new CodecError('range', index, `"${line.trim().slice(0, 40)}" is no range`);
    ranges.push({ first, last });
  }
  return ranges;
}
