import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sleep } from '../../src/core/host/index.js';
import type { BackgroundStart, StartedBackground } from '../../src/daemon/host-side/background-start.js';

/** What every way to start a daemon in the background does, with real processes. */
export function describeBackgroundStart(name: string, background: BackgroundStart): void {
  describe(`the start in the background: ${name}`, () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mobyvm-background-'));
    });
    afterEach(() => rm(folder, { recursive: true, force: true }));

    const startScript = (script: string, ...args: readonly string[]): Promise<StartedBackground> =>
      background.start({
        command: [process.execPath, '-e', script, ...args],
        env: { ...process.env, MOBYVM_TEST_WORD: 'word' },
        outputFile: join(folder, 'out'),
      });

    test('passes arguments and environment on, and appends both outputs to the file', async () => {
      background.check();
      await writeFile(join(folder, 'out'), 'before\n');
      const started = await startScript(
        'console.log(process.argv[1], process.env.MOBYVM_TEST_WORD); console.error("problem")',
        'an argument',
      );
      await ended(started);
      const text = await readFile(join(folder, 'out'), 'utf8');
      expect(text.startsWith('before\n')).toBe(true);
      expect(text).toContain('an argument word');
      expect(text).toContain('problem');
    });

    test('tells the exit code once the daemon has ended, and nothing before', async () => {
      const started = await startScript(
        'const end = setInterval(() => { if (require("fs").existsSync(process.argv[1])) process.exit(7) }, 20)',
        join(folder, 'end'),
      );
      expect(started.exitCode).toBeUndefined();
      await writeFile(join(folder, 'end'), '');
      await ended(started);
      expect(started.exitCode).toBe(7);
    });

    test('names a program that is missing', async () => {
      const missing = background.start({
        command: [join(folder, 'missing')],
        env: {},
        outputFile: join(folder, 'out'),
      });
      await expect(missing).rejects.toMatchObject({ code: 'MOBYVM_PROGRAM_MISSING' });
    });
  });
}

async function ended(started: StartedBackground): Promise<void> {
  while (started.exitCode === undefined) await sleep(20);
}
