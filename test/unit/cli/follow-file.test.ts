import { appendFile, copyFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { silentLogger } from '../../../src/core/host/index.js';
import { ConsoleLog } from '../../../src/vm/console/index.js';
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
const files = () => ({ path, earlier: [`${path}.1`, `${path}.2`] });

test('prints the last lines, even one without a line break', async () => {
  await writeFile(path, 'one\ntwo\nthree');
  const { lines, terminal } = printed();
  const context = commandContext({ terminal });
  expect(await printFile(context, { ...options, files: files(), lines: 2, follow: false })).toBe(0);
  expect(lines).toEqual(['two', 'three']);
});

test('prints the last lines of a file that is larger than what is looked through', async () => {
  const line = (at: number): string => `line ${at} ${'x'.repeat(1_000)}`;
  const many = Array.from({ length: 6_000 }, (_, at) => line(at));
  await writeFile(path, `${many.join('\n')}\n`);
  const { lines, terminal } = printed();
  await printFile(commandContext({ terminal }), { ...options, files: files(), lines: 5_000, follow: false });
  expect(lines.length).toBeGreaterThan(4_000);
  expect(lines).toEqual(many.slice(-lines.length));
});

test('a file that does not exist is reported by name', async () => {
  await expect(
    printFile(commandContext(), { ...options, files: files(), follow: false }),
  ).rejects.toMatchObject({
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
    const following = printFile(context, { ...options, files: files(), follow: true });
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

  test('prints what was added before a rotation, and every file since', async () => {
    const lines = await follow('first\n', async (seen) => {
      await appendFile(path, 'before\nhalf a line');
      await rename(path, `${path}.1`);
      await writeFile(path, 'between\n');
      await rename(`${path}.1`, `${path}.2`);
      await rename(path, `${path}.1`);
      await writeFile(path, 'new\n');
      await until(() => seen.length === 5);
    });
    expect(lines).toEqual(['first', 'before', 'half a line', 'between', 'new']);
  });

  test('prints what was added before a truncation that left a copy', async () => {
    const lines = await follow('first\n', async (seen) => {
      await appendFile(path, 'moved away\n');
      await copyFile(path, `${path}.1`);
      await truncate(path);
      await appendFile(path, 'a new line that is longer than all before\n');
      await until(() => seen.length === 3);
    });
    expect(lines).toEqual(['first', 'moved away', 'a new line that is longer than all before']);
  });

  test('loses nothing of what the daemon caps while it is followed (podman-desktop#17994)', async () => {
    const log = new ConsoleLog({ logPath: path, logger: silentLogger, maxBytes: 100_000, everyMs: 5 });
    const many = Array.from({ length: 20_000 }, (_, line) => `line ${line}`);
    const lines = await follow('first\n', async (seen) => {
      await log.follow('start');
      for (let at = 0; at < many.length; at += 5_000) {
        await appendFile(
          path,
          many
            .slice(at, at + 5_000)
            .map((line) => `${line}\n`)
            .join(''),
        );
        await until(() => seen.length > at + 4_000);
      }
      await until(() => seen.length > many.length);
      await log.unfollow();
    });
    expect(lines).toEqual(['first', ...many]);
  });

  test('says so when a file was truncated and nothing tells what was in it', async () => {
    const lines = await follow('a long first line\n', async (seen) => {
      await writeFile(path, 'new\n');
      await until(() => seen.length === 3);
    });
    expect(lines).toEqual([
      'a long first line',
      `mobyvm: ${path} was truncated; lines may be missing here.`,
      'new',
    ]);
  });
});
