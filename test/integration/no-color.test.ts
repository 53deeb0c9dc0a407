import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { compiledSource } from '../support/compiled.js';

/** Select Graphic Rendition (ECMA-48 §8.3.117): colours, bold, underlined. */
const COLOURS = /\u001b\[[0-9;:]*m/;
const RECORDS = ['debug', 'info', 'warn', 'error'].map((level) =>
  JSON.stringify({ time: '2026-11-29T07:00:00.000Z', level, event: `test.${level}` }),
);

let folder = '';
let main = '';
beforeAll(async () => {
  main = join(await compiledSource(), 'main.js');
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-colour-'));
  await writeFile(join(folder, 'daemon.log'), `${RECORDS.join('\n')}\n`);
  await writeFile(join(folder, 'console.log'), 'one\n\u001b[31mred\u001b[0m\n');
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** What a terminal gets, from script(1): both streams, with their control sequences. */
async function onTerminal(line: string, environment: Record<string, string>): Promise<string> {
  const own: Record<string, string> = {
    ...{ MOBYVM_STATE_DIR: folder, MOBYVM_RUN_DIR: folder, MOBYVM_LOG_DIR: folder },
    MOBYVM_SETTINGS: join(folder, 'settings.json'),
  };
  const command = `"${process.execPath}" "${main}" ${line}`;
  const { stdout } = await run('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm-256color', ...own, ...environment },
    acceptExitCodes: [0, 1, 2],
    timeoutMs: 120_000,
  });
  return stdout;
}

test('what the tests look for is what a terminal gets', async () => {
  const { stdout } = await run('script', ['-qec', "printf '\\033[1;31mred\\033[0m'", '/dev/null']);
  expect(stdout).toMatch(COLOURS);
});

// Without NO_COLOR as well: mobyvm has no colours at all (no-color.org).
test.each([
  ['--help', /Commands/i],
  ['status --help', /--timings/],
  ['status', /not running/],
  ['status --colour', /Unknown option/],
  ['explain MOBYVM_BUSY', /MOBYVM_BUSY/],
  ['logs', /test\.error/],
  ['console', /red/],
  ['doctor', /Memory|QEMU/i],
])('`mobyvm %s` on a terminal prints no colours, with NO_COLOR and without', async (line, expected) => {
  for (const environment of [{ NO_COLOR: '1' }, {}] as Record<string, string>[]) {
    const text = await onTerminal(line, environment);
    expect(text).toMatch(expected);
    expect(text).not.toMatch(COLOURS);
  }
});
