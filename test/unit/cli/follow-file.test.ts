import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { printFile } from '../../../src/cli/follow-file.js';
import { commandContext, printedBy } from '../../support/cli-context.js';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-follow-'));
  path = join(folder, 'console.log');
});
afterEach(() => rm(folder, { recursive: true }));

const printed = printedBy;
const options = { what: 'console log', lines: 50 };

test('prints the last lines, even one without a line break', async () => {
  await writeFile(path, 'one\ntwo\nthree');
  const { lines, terminal } = printed();
  const context = commandContext({ terminal });
  expect(await printFile(context, { ...options, path, lines: 2, follow: false })).toBe(0);
  expect(lines).toEqual(['two', 'three']);
});

test('a file that does not exist is reported by name', async () => {
  await expect(printFile(commandContext(), { ...options, path, follow: false })).rejects.toMatchObject({
    code: 'MOBYVM_DAEMON_NOT_RUNNING',
    message: `There is no console log yet (${path}).`,
  });
});

describe('following', () => {
  async function follow(
    text: string,
    change: (lines: readonly string[]) => Promise<void>,
  ): Promise<string[]> {
    await writeFile(path, text);
    const { lines, terminal } = printed();
    const interrupt = new AbortController();
    const context = commandContext({ terminal, interrupted: interrupt.signal });
    const following = printFile(context, { ...options, path, follow: true });
    try {
      await vi.waitUntil(() => lines.length > 0, { timeout: 20_000 });
      await change(lines);
    } finally {
      interrupt.abort();
      expect(await following).toBe(0);
    }
    return lines;
  }
  const until = (is: () => boolean): Promise<unknown> => vi.waitUntil(is, { timeout: 20_000 });

  test('prints a character that is written in two parts (podman-desktop#17994)', async () => {
    const lines = await follow('first\n', async (seen) => {
      await appendFile(path, Buffer.from([0x63, 0x61, 0x66, 0xc3]));
      await new Promise((resolve) => setTimeout(resolve, 500));
      await appendFile(path, Buffer.from([0xa9, 0x0a]));
      await until(() => seen.length === 2);
    });
    expect(lines).toEqual(['first', 'café']);
  });

  test('prints every line of an addition larger than its buffer', async () => {
    const many = Array.from(
      { length: 60_000 },
      (_, line) => `${String(line).padStart(6, '0')} ${'x'.repeat(90)}`,
    );
    const lines = await follow('first\n', async (seen) => {
      await appendFile(path, `${many.join('\n')}\n`);
      await until(() => seen.length > many.length);
    });
    expect(lines).toHaveLength(many.length + 1);
    expect(lines.at(-1)).toBe(many.at(-1));
  });

  test('continues with the new file after a rotation', async () => {
    const lines = await follow('a long first line\n', async (seen) => {
      await writeFile(path, 'new\n');
      await until(() => seen.length === 2);
    });
    expect(lines).toEqual(['a long first line', 'new']);
  });
});
