import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadToken } from '../../../../src/daemon/guest/index.js';

let directory = '';
let path = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mobyvm-token-'));
  path = join(directory, 'state/token');
});
afterEach(() => rm(directory, { recursive: true }));

test('a token is created once, readable by root only, and kept', async () => {
  const token = await loadToken(path);
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await loadToken(path)).toBe(token);
  expect((await readFile(path, 'utf8')).trim()).toBe(token);
});

test('an invalid token is replaced', async () => {
  await loadToken(path);
  await writeFile(path, 'short');
  expect(await loadToken(path)).toMatch(/^[A-Za-z0-9_-]{43}$/);
});
