import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cleanLine,
  consoleLines,
  MAX_CONSOLE_LINE_BYTES,
  NO_CONSOLE_TEXT,
  readConsole,
} from '../../../../src/vm/console/console-text.plan.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a console line', () => {
  test.each([
    ['[    1.2] usb\r', '[    1.2] usb'],
    ['\u001b[1;32m * \u001b[0mStarting docker ...', ' * Starting docker ...'],
    ['\u001b[2J\u001b[01;01H\u001b[=3hSeaBIOS', 'SeaBIOS'],
    ['\u001b]0;title\u0007shown\u001b]8;;http://x\u001b\\link', 'shownlink'],
    ['10%\r55%\r100%\r', '100%'],
    ['a\tb\u0008\u0007\u0000c', 'a bc'],
    ['left\u202etfel', 'lefttfel'],
    ['trailing   ', 'trailing'],
    ['\u001b[', ''],
    ['\r\r', ''],
    ['ü€😀', 'ü€😀'],
  ])('%j is shown as %j', (raw, shown) => {
    expect(cleanLine(bytesOf(raw))).toBe(shown);
  });

  test('with invalid UTF-8 shows a replacement character', () => {
    expect(cleanLine(Uint8Array.of(0x61, 0xff, 0x62))).toBe('a\ufffdb');
  });

  test('never contains a control character', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const line of consoleLines(bytes)) {
          expect(line).toMatch(/^[^\p{Cc}\u202a-\u202e\u2066-\u2069]+$/u);
        }
      }),
    );
  });
});

describe('console text', () => {
  test('yields the same lines however it is split', () => {
    const bytes = bytesOf('one\r\ntwo ü\n\n\u001b[1mthree\u001b[0m\nfour');
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length)), (cuts) => {
        let text = NO_CONSOLE_TEXT;
        let start = 0;
        const lines = [...cuts, bytes.length]
          .sort((a, b) => a - b)
          .flatMap((end) => {
            const read = readConsole(text, bytes.subarray(start, end));
            start = end;
            text = read.text;
            return read.lines;
          });
        expect(lines).toEqual(['one', 'two ü', 'three']);
        expect(text.unfinished).toEqual(bytesOf('four'));
      }),
    );
  });

  test('includes an unfinished last line only on request', () => {
    expect(consoleLines(bytesOf('login:'))).toEqual(['login:']);
    expect(readConsole(NO_CONSOLE_TEXT, bytesOf('login:')).lines).toEqual([]);
  });

  test('splits an endless line between characters', () => {
    const { lines, text } = readConsole(NO_CONSOLE_TEXT, bytesOf('€'.repeat(3_000)));
    expect(lines.map((line) => line.length)).toEqual([1_365, 1_365]);
    expect(lines.join('')).toBe('€'.repeat(2_730));
    expect(text.unfinished.length).toBeLessThanOrEqual(MAX_CONSOLE_LINE_BYTES);
  });
});
