/**
 * `hypervisorlaunchtype` in what `bcdedit /enum {current}` prints: `Auto`, `Off`, or empty when the entry does not say. Names of
 * elements are not translated; headings are.
 */
export function launchTypeOf(text: string): string {
  return /^hypervisorlaunchtype[ \t]+(\w+)/im.exec(text)?.[1] ?? '';
}
