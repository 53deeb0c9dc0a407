/**
 * Whether the groups that `whoami /groups` prints have the integrity level of an elevated program, high or system; undefined when
 * they have no level. Names are in the system's language, SIDs are not (Microsoft: "Well-known SIDs", mandatory labels).
 */
export function isElevated(groups: string): boolean | undefined {
  const [, level] = /\bS-1-16-(\d+)\b/.exec(groups) ?? [];
  return level === undefined ? undefined : ['12288', '16384'].includes(level);
}
