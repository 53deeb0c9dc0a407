import { appendFile, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/core/host/index.js';
import { ConsoleLog } from '../../../../src/vm/console/console-log.js';
import { until } from '../../../support/vm/vm-harness.js';

let folder: string;
let path: string;
let log: ConsoleLog;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), `mvt${process.pid}-`));
  path = join(folder, 'console.log');
  log = new ConsoleLog({ logPath: path, logger: silentLogger, everyMs: 2, maxBytes: 1_000 });
});
afterEach(async () => {
  await log.unfollow();
  await rm(folder, { recursive: true, force: true });
});

describe('a console log', () => {
  test('emits all lines of a new machine, even if the file is created later', async () => {
    const lines = collect();
    await log.follow('start');
    await writeFile(path, 'one\ntw');
    await appendFile(path, 'o\nthree');
    await until('two lines', () => lines.length === 2);
    expect(lines).toEqual(['one', 'two']);
    expect(await log.tail(10)).toEqual(['one', 'two', 'three']);
    expect(await log.tail(1)).toEqual(['three']);
  });

  test('emits only new lines of a machine that is already running', async () => {
    await writeFile(path, 'old\n');
    const lines = collect();
    await log.follow('end');
    await appendFile(path, 'new\n');
    await until('the line', () => lines.length === 1);
    expect(lines).toEqual(['new']);
  });

  test('emits the remaining lines when it stops following', async () => {
    const lines = collect();
    await log.follow('start');
    await writeFile(path, 'last words\n');
    await log.unfollow();
    expect(lines).toEqual(['last words']);
    await appendFile(path, 'unheard\n');
    await log.unfollow();
    expect(lines).toEqual(['last words']);
  });

  test('stays below its size limit while being written to, and loses no emitted line', async () => {
    const lines = collect();
    await log.follow('start');
    const writer = await open(path, 'a');
    try {
      for (let number = 0; number < 100; number += 1) {
        await writer.write(`line ${number} ${'x'.repeat(40)}\n`);
        await until('the line', () => lines.length === number + 1);
      }
    } finally {
      await writer.close();
    }
    await log.unfollow();
    expect(lines.map((line) => line.split(' ')[1])).toEqual([...Array(100).keys()].map(String));
    expect((await stat(path)).size).toBeLessThanOrEqual(1_100);
    expect((await stat(log.previousPath)).size).toBeLessThanOrEqual(1_100);
    expect((await log.tail(15)).at(-1)).toContain('line 99 ');
    expect(await log.tail(15)).toHaveLength(15);
  });

  test('skips the excess of a flood and keeps its end', async () => {
    const lines = collect();
    await writeFile(path, `${'flood\n'.repeat(50_000)}end\n`);
    await log.follow('start');
    await until('the end', () => lines.at(-1) === 'end');
    expect(lines.length).toBeLessThan(300);
    await log.unfollow();
    expect((await stat(path)).size).toBe(0);
    expect(await readFile(log.previousPath, 'utf8')).toMatch(/end\n$/);
  });

  test('is moved aside for the next start', async () => {
    await writeFile(path, 'first start\n');
    await log.rotate();
    await log.rotate();
    expect(await readdir(folder)).toEqual(['console.log.1']);
    expect(await log.tail(5)).toEqual([]);
    await log.remove();
    expect(await readdir(folder)).toEqual([]);
  });
});

function collect(): readonly string[] {
  const lines: string[] = [];
  log.onLine((line) => lines.push(line));
  return lines;
}
