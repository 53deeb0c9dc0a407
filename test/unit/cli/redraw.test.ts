import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { processTerminal } from '../../../src/cli/terminal.js';

/** What a terminal of that size, or a pipe, gets. */
function written(lines: readonly string[], size: object): string {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const streams = [Object.assign(stdout, size), stderr] as unknown as readonly NodeJS.WriteStream[];
  const [out, error] = streams;
  if (out === undefined || error === undefined) throw new TypeError('There are two.');
  const terminal = processTerminal({ stdout: out, stderr: error }, () => () => undefined);
  terminal.redraw(lines);
  return String(stdout.read());
}

const CLEAR = '\r\u001b[K';

test('a screen is drawn from its top, each line cleared first and what is below last', () => {
  const text = written(['one', 'two'], { isTTY: true, columns: 80, rows: 24 });
  expect(text).toBe(`\u001b[H${CLEAR}one\n${CLEAR}two\n\u001b[J`);
});

test('nothing of it wraps or scrolls', () => {
  const text = written(['12345678', 'two', 'three'], { isTTY: true, columns: 5, rows: 3 });
  expect(text).toBe(`\u001b[H${CLEAR}12345\n${CLEAR}two\n\u001b[J`);
});
