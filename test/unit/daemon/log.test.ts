import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { waitFor } from '../../../src/core/host/index.js';
import { openLog } from '../../../src/daemon/log.js';
import { RotatingFile } from '../../../src/daemon/rotating-file.js';

test('an event is unchanged, whatever its fields are called', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mobyvm-log-'));
  try {
    const path = join(directory, 'daemon.log');
    openLog({ path, level: 'info', toConsole: false }).error('step.failed', {
      message: 'no image',
      level: 'x',
    });
    const read = async (): Promise<string> => readFile(path, 'utf8').catch(() => '');
    await waitFor(
      {
        title: 'the line',
        timeoutSeconds: 20,
        hint: '',
        everyMs: 10,
        check: async () => (await read()).endsWith('\n'),
      },
      new AbortController().signal,
    );
    expect(JSON.parse(await read())).toMatchObject({ event: 'step.failed', message: 'no image' });
  } finally {
    await rm(directory, { recursive: true });
  }
});

describe('the files of the log', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mobyvm-log-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const files = () => ({
    path: join(folder, 'daemon.log'),
    earlier: [join(folder, 'daemon1.log'), join(folder, 'daemon2.log')],
  });
  const textIn = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

  test('a full file moves on, and the oldest is replaced', async () => {
    const file = new RotatingFile({ files: files(), maxBytes: 10 });
    for (const line of ['one, 10 bytes\n', 'two, 10 bytes\n', 'three, 10 bytes\n', 'four\n', 'five\n'])
      file.write(line);
    file.destroy();
    expect(await textIn('daemon2.log')).toBe('two, 10 bytes\n');
    expect(await textIn('daemon1.log')).toBe('three, 10 bytes\n');
    expect(await textIn('daemon.log')).toBe('four\nfive\n');
  });

  test('a line is written when the call returns, and continues what an earlier daemon wrote', () => {
    writeFileSync(files().path, 'before\n');
    const file = new RotatingFile({ files: files(), maxBytes: 1_000 });
    file.write('é now\n');
    expect(readFileSync(files().path, 'utf8')).toBe('before\né now\n');
    file.destroy();
  });

  test('a file that cannot be renamed is emptied after a copy was made, once it is twice as large', async () => {
    const file = new RotatingFile({ files: files(), maxBytes: 10 });
    // A folder in the place of the earlier file makes renaming fail, as an open file does on Windows.
    await mkdir(join(folder, 'daemon2.log', 'full'), { recursive: true });
    await writeFile(files().earlier[0]!, 'old\n');
    for (let line = 1; line <= 5; line += 1) file.write(`line ${line}\n`);
    file.destroy();
    expect(await textIn('daemon1.log')).toBe('line 1\nline 2\nline 3\n');
    expect(await textIn('daemon.log')).toBe('line 4\nline 5\n');
  });

  test('a log that cannot be written does not throw, and continues when it can be', async () => {
    await mkdir(files().path);
    const file = new RotatingFile({ files: files(), maxBytes: 10 });
    file.write('lost\n');
    await rm(files().path, { recursive: true });
    file.write('kept\n');
    file.destroy();
    expect(await textIn('daemon.log')).toBe('kept\n');
  });
});
