import { describe, expect, test } from 'vitest';
import { tableLines } from '../../../src/cli/table.js';

const HEAD = ['NAME', 'FOLDER', 'STATE'];
const ROWS = [['C', '/home/someone/with/a/long/path/to/it', 'healthy']];

describe('a table', () => {
  test('that is not printed on a terminal keeps every cell whole', () => {
    expect(tableLines(HEAD, ROWS)).toEqual([
      'NAME  FOLDER                                STATE',
      'C     /home/someone/with/a/long/path/to/it  healthy',
    ]);
  });

  test('that is wider than the terminal has its widest column cut', () => {
    const lines = tableLines(HEAD, ROWS, 40);
    expect(lines).toEqual([
      'NAME  FOLDER                     STATE',
      'C     /home/someone/with/a/lon…  healthy',
    ]);
    expect(Math.max(...lines.map((line) => line.length))).toBe(40);
  });

  test('that fits is left alone, and one that cannot fit keeps something of each column', () => {
    expect(tableLines(HEAD, ROWS, 51)).toEqual(tableLines(HEAD, ROWS));
    expect(tableLines(HEAD, ROWS, 5)).toEqual(['NAME  FOLDER    STATE', 'C     /home/s…  healthy']);
  });
});
