import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../../../src/cli/commands.js';
import type { DaemonProgram, Diagnosis } from '../../../src/cli/context.js';
import { commandContext, NO_DAEMON, printedBy } from '../../support/cli-context.js';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-diagnose-'));
});
afterEach(() => rm(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const DIAGNOSIS: Diagnosis = {
  file: Buffer.from('a zip file'),
  probes: [
    { id: 'a', title: 'Addresses', verdict: 'ok', reason: '', durationMs: 3 },
    { id: 'b', title: 'Status', verdict: 'absent', reason: 'The daemon is not running.', durationMs: 1 },
    { id: 'c', title: 'Routes', verdict: 'late', reason: 'no answer within 10 s', durationMs: 10_000 },
  ],
};

async function diagnose(
  args: readonly string[],
  run: DaemonProgram['diagnose'] = () => Promise.resolve(DIAGNOSIS),
): Promise<readonly string[]> {
  const { lines, terminal } = printedBy();
  const context = commandContext({ terminal, daemon: { ...NO_DAEMON, diagnose: run } });
  expect(await runCommand(['diagnose', ...args], context)).toBe(0);
  return lines;
}
const notAsked = () => Promise.reject(new TypeError('nothing is to be collected'));

test('writes a file for its owner alone, and names what did not answer', async () => {
  const lines = await diagnose(['--out', at('x.zip')]);
  expect(await readFile(at('x.zip'), 'utf8')).toBe('a zip file');
  expect((await stat(at('x.zip'))).mode & 0o777).toBe(0o600);
  expect(lines).toEqual([
    'Collecting; this takes less than a minute.',
    'Routes: no answer within 10 s',
    `${at('x.zip')} has 1 of 3 answers (1 KiB). Begin with its index.html.`,
    'Passwords, tokens and keys are masked; look through it before you publish it.',
  ]);
});

test('prints JSON on request, and nothing else', async () => {
  const [line = '', ...others] = await diagnose(['--json', '-o', at('x.zip')]);
  expect(others).toEqual([]);
  expect(JSON.parse(line)).toEqual({ file: at('x.zip'), bytes: 10, probes: DIAGNOSIS.probes });
});

test('asks the daemon about everything, each question with a time limit of its own below a minute', async () => {
  await diagnose(['--out', at('x.zip')], ({ asked }) => {
    expect(asked.map(({ id }) => id)).toEqual(
      expect.arrayContaining([
        'doctor',
        'status',
        'kvp-host',
        'kvp-guest',
        'kvp-intrinsic',
        'share-checks',
        'dns-status',
      ]),
    );
    for (const { seconds } of asked) expect(seconds).toBeLessThanOrEqual(40);
    return Promise.resolve(DIAGNOSIS);
  });
});

describe('a file that is there', () => {
  test('is never replaced', async () => {
    await writeFile(at('x.zip'), 'mine');
    await expect(diagnose(['--out', at('x.zip')], notAsked)).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      message: `${at('x.zip')} cannot be written: it exists already.`,
      remedy: 'Add --force to replace it, or name another file.',
    });
    expect(await readFile(at('x.zip'), 'utf8')).toBe('mine');
  });

  test('is replaced with --force, a link itself and not what it leads to', async () => {
    await writeFile(at('other'), 'mine');
    await symlink(at('other'), at('x.zip'));
    await diagnose(['--out', at('x.zip'), '--force']);
    expect(await readFile(at('x.zip'), 'utf8')).toBe('a zip file');
    expect(await readFile(at('other'), 'utf8')).toBe('mine');
    expect((await readdir(folder)).sort()).toEqual(['other', 'x.zip']);
  });

  test('stays when collecting fails', async () => {
    await writeFile(at('x.zip'), 'mine');
    await expect(diagnose(['--out', at('x.zip'), '--force'], notAsked)).rejects.toThrow('nothing is');
    expect(await readFile(at('x.zip'), 'utf8')).toBe('mine');
    expect(await readdir(folder)).toEqual(['x.zip']);
  });
});

test('nothing half-done stays behind', async () => {
  await expect(diagnose(['--out', at('x.zip')], notAsked)).rejects.toThrow('nothing is');
  expect(await readdir(folder)).toEqual([]);
});

test.each([
  ['a folder', () => folder, 'it is a folder'],
  ['in a folder that does not exist', () => at('none/x.zip'), 'its folder does not exist'],
  ['below a file', () => at('file/x.zip'), 'part of its path is a file'],
  ['too long', () => at('x'.repeat(300)), 'the name is too long'],
])('a path that is %s is refused before anything is collected', async (_what, path, problem) => {
  await writeFile(at('file'), '');
  for (const more of [[], ['--force']])
    await expect(diagnose(['--out', path(), ...more], notAsked)).rejects.toMatchObject({
      code: 'MOBYVM_USAGE',
      message: `${path()} cannot be written: ${problem}.`,
    });
});

test('a folder with the name of the file is refused with --force, too', async () => {
  await mkdir(at('x.zip'));
  await expect(diagnose(['--out', at('x.zip'), '--force'], notAsked)).rejects.toMatchObject({
    code: 'MOBYVM_USAGE',
  });
});
