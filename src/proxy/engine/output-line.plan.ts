/** A line that a container has printed. */
export interface OutputLine {
  /** When, as the engine says: ISO 8601. */
  readonly at: string | undefined;
  readonly stream: 'stdout' | 'stderr';
  /** As it was printed: it may hold control characters. */
  readonly text: string;
}

/** What the engine puts before each line on request. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) ?/;

/** @param line as the engine sends it, without its line feed */
export function outputLine(stream: OutputLine['stream'], line: string): OutputLine {
  const [before = '', at] = TIME.exec(line) ?? [];
  return { at, stream, text: line.slice(before.length) };
}
