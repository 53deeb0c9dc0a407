/**
 * Whether the groups that `whoami /groups` prints have the integrity level of an elevated program: high or system. Names are in
 * the system's language, SIDs are not (Microsoft: "Well-known SIDs", mandatory labels).
 */
export function isElevated(groups: string): boolean {
  return /\bS-1-16-(?:12288|16384)\b/.test(groups);
}
