/** What a process has used and uses. */
export interface ProcessUsage {
  /** Of all its threads, since its start. */
  readonly processorSeconds: number;
  /** Memory of the host that it has. */
  readonly memoryBytes: number;
}

/** USER_HZ, which is part of Linux' interface: https://man7.org/linux/man-pages/man7/time.7.html */
const TICKS_PER_SECOND = 100;

/**
 * @param stat of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: utime and stime are its fields 14 and 15
 * @param status of https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
 * @returns undefined if one of them is not what it should be
 */
export function processUsage(stat: string, status: string): ProcessUsage | undefined {
  // The program's name is in parentheses and may contain spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  if (!Number.isFinite(ticks) || kibibytes === undefined) return undefined;
  return { processorSeconds: ticks / TICKS_PER_SECOND, memoryBytes: Number(kibibytes) * 1024 };
}
