import { Listeners } from '../core/host/index.js';
import type { WatchReader } from './output-reader.js';

/** Where a command prints; made in main.ts from the process's own streams, and from strings in tests. */
export interface Terminal {
  readonly isInteractive: boolean;
  readonly columns: number;
  /** Width of standard output; undefined if that is no terminal, and nothing has to fit. */
  readonly tableColumns?: number | undefined;
  /** Likewise its height. */
  readonly tableRows?: number | undefined;
  /** Standard output: what the user asked for. */
  out(line: string): void;
  /** Standard error: errors and progress, so that standard output stays data. */
  error(line: string): void;
  /** A question, without a line break after it. */
  prompt(text: string): void;
  /** Rewrites the last line of an interactive terminal; an empty text clears it. */
  status(text: string): void;
  /** Clears the terminal that standard output is, and shows these lines; what does not fit is left out. */
  redraw(lines: readonly string[]): void;
  /** From now on the end of standard output's reader is noticed also while nothing is printed. @returns ends the watch */
  watchReader(): () => void;
}

export interface ProcessTerminal extends Terminal {
  /** Calls back when nobody reads standard output any more. */
  onClosed(listener: () => void): void;
}

/** The streams that a terminal needs of a process. */
export interface TerminalStreams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

const CLEAR_LINE = '\r\u001b[K';
const TO_TOP = '\u001b[H';
const CLEAR_REST = '\u001b[J';

export function processTerminal({ stdout, stderr }: TerminalStreams, watch: WatchReader): ProcessTerminal {
  const closed = new Listeners();
  stdout.once('error', () => closed.emit());
  const sizeOf = (size: number): number | undefined => (stdout.isTTY && size > 0 ? size : undefined);
  // `mobyvm logs | head` closes our output: that is normal use, not an error.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  return {
    isInteractive: stderr.isTTY,
    get columns() {
      return stderr.columns || 80;
    },
    get tableColumns() {
      return sizeOf(stdout.columns);
    },
    get tableRows() {
      return sizeOf(stdout.rows);
    },
    out: (line) => void stdout.write(`${line}\n`),
    error: (line) => void stderr.write(`${line}\n`),
    prompt: (text) => void stderr.write(text),
    status: (text) => void stderr.write(`${CLEAR_LINE}${text}`),
    redraw: (lines) =>
      void stdout.write(screenText(lines, sizeOf(stdout.columns) ?? 80, sizeOf(stdout.rows) ?? 24)),
    watchReader: () => watch(stdout, () => closed.emit()),
    onClosed: (listener) => void closed.add(listener),
  };
}

/**
 * Each line is cleared before it is written, not the whole screen: that would flicker. The last row is left to the
 * cursor, so that nothing scrolls.
 */
function screenText(lines: readonly string[], columns: number, rows: number): string {
  const shown = lines.slice(0, Math.max(rows - 1, 1)).map((line) => line.slice(0, columns));
  return `${TO_TOP}${shown.map((line) => `${CLEAR_LINE}${line}\n`).join('')}${CLEAR_REST}`;
}

/** Removes control sequences and control characters: text of the guest must not steer the terminal that shows it. */
export function withoutControls(text: string): string {
  return text.replaceAll(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '').replaceAll(/[^\P{Cc}\t]/gu, '');
}

/** Cuts to one screen line, so that rewriting the status line never leaves half of the old one behind. */
export function fitted(text: string, columns: number): string {
  const plain = withoutControls(text.replaceAll(/[\r\n\t]+/g, ' '));
  const width = Math.max(columns - 1, 20);
  return plain.length <= width ? plain : `${plain.slice(0, width - 1)}…`;
}
