import { CodecError } from '../../core/values/index.js';

/** A range of ports that Windows lets no program bind; Hyper-V, WSL and others reserve them at boot. */
export interface ExcludedPorts {
  readonly first: number;
  readonly last: number;
}

/**
 * Reads the output of `netsh interface ipv4 show excludedportrange protocol=tcp`
 * (https://learn.microsoft.com/windows-server/administration/windows-commands/netsh-interface). Its text is
 * localized; a range is a line of two numbers, followed by a star if an administrator added it.
 * @throws CodecError for a pair of numbers that is not a range of ports
 */
export function decodeExcludedPorts(text: string): readonly ExcludedPorts[] {
  const ranges: ExcludedPorts[] = [];
  for (const { 0: line, 1: from, 2: to, index } of text.matchAll(
    /^[ \t]*(\d+)[ \t]+(\d+)[ \t]*\*?[ \t]*\r?$/gm,
  )) {
    const [first, last] = [Number(from), Number(to)];
    if (first > last || last > 65_535)
      throw new CodecError('range', index, `"${line.trim().slice(0, 40)}" is not a range of ports`);
    ranges.push({ first, last });
  }
  return ranges;
}
