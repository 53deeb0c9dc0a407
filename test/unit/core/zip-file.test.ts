import { expect, test } from 'vitest';
import { zipFile } from '../../../src/core/host/index.js';
import { unzip } from '../../support/unzip.js';

test('what is put into a zip file comes out of it, names and all', () => {
  const texts = { 'index.html': '<p>é</p>', 'evidence/größe.txt': 'x'.repeat(100_000), empty: '' };
  const entries = Object.entries(texts).map(([name, text]) => ({ name, content: Buffer.from(text) }));
  const file = zipFile(entries, new Date(2026, 10, 29, 8, 30, 12));
  expect(file.length).toBeLessThan(5_000);
  expect(Object.fromEntries(unzip(file))).toEqual(texts);
});

test('entries have the time that is given, and are for their owner alone', () => {
  const bytes = Buffer.from(
    zipFile([{ name: 'a', content: Buffer.from('b') }], new Date(2026, 10, 29, 8, 30, 12)),
  );
  const at = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  const [time, date] = [bytes.readUInt16LE(at + 12), bytes.readUInt16LE(at + 14)];
  expect([time >> 11, (time >> 5) & 63, (time & 31) * 2]).toEqual([8, 30, 12]);
  expect([1980 + (date >> 9), (date >> 5) & 15, date & 31]).toEqual([2026, 11, 29]);
  expect((bytes.readUInt32LE(at + 38) >>> 16) & 0o777).toBe(0o600);
});

test('a zip file may be empty', () => {
  expect(unzip(zipFile([], new Date())).size).toBe(0);
});
