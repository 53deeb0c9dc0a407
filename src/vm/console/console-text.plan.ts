/** A longer line is split into several, so that a guest that never ends a line cannot use up memory. */
export const MAX_CONSOLE_LINE_BYTES = 4_096;

/** The beginning of a line that has not ended yet. */
export interface ConsoleText {
  readonly unfinished: Uint8Array;
}

export const NO_CONSOLE_TEXT: ConsoleText = { unfinished: new Uint8Array(0) };

/**
 * Appends console bytes to the unfinished line and returns the complete lines, cleaned and without empty
 * ones.
 */
export function readConsole(
  text: ConsoleText,
  bytes: Uint8Array,
): { readonly text: ConsoleText; readonly lines: readonly string[] } {
  const all = joined(text.unfinished, bytes);
  const lines: string[] = [];
  let start = 0;
  for (;;) {
    const end = lineEnd(all, start);
    if (end === undefined) return { text: { unfinished: all.slice(start) }, lines };
    const line = cleanLine(all.subarray(start, end.to));
    if (line !== '') lines.push(line);
    start = end.next;
  }
}

/** All lines of a piece of console output, including an unfinished last one. */
export function consoleLines(bytes: Uint8Array): readonly string[] {
  const { text, lines } = readConsole(NO_CONSOLE_TEXT, bytes);
  const last = cleanLine(text.unfinished);
  return last === '' ? lines : [...lines, last];
}

/**
 * What a person would finally see on a terminal: escape sequences (ECMA-48 §5.4, §8.3.89), control characters
 * and text overwritten after a carriage return are removed; invalid UTF-8 becomes U+FFFD. Characters that
 * change the text direction are removed too: a guest must not be able to disguise mobyvm's output.
 */
export function cleanLine(bytes: Uint8Array): string {
  const visible = new TextDecoder().decode(bytes).replaceAll(ESCAPE_SEQUENCE, '');
  const segments = visible.split('\r').filter((segment) => segment.trim() !== '');
  return (segments.at(-1) ?? '').replaceAll('\t', ' ').replaceAll(INVISIBLE, '').trimEnd();
}

/** Control sequences, operating system commands (ended by BEL or ST), and the shorter escapes. */
// prettier-ignore
const ESCAPE_SEQUENCE = /\u001b(?:\[[0-?]*[ -/]*[@-~]?|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]*[0-~]?)/g;

const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const NEWLINE = 0x0a;

function lineEnd(bytes: Uint8Array, start: number): { to: number; next: number } | undefined {
  const newline = bytes.indexOf(NEWLINE, start);
  const length = (newline < 0 ? bytes.length : newline) - start;
  if (length > MAX_CONSOLE_LINE_BYTES) {
    const cut = characterStart(bytes, start + MAX_CONSOLE_LINE_BYTES);
    return { to: cut, next: cut };
  }
  return newline < 0 ? undefined : { to: newline, next: newline + 1 };
}

/** The start of the UTF-8 character that contains byte `at`, so that a cut does not break it. */
function characterStart(bytes: Uint8Array, at: number): number {
  for (let back = 0; back < 4; back += 1) {
    if (((bytes[at - back] ?? 0) & 0xc0) !== 0x80) return at - back;
  }
  return at;
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const all = new Uint8Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return all;
}
