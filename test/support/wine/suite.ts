import { randomUUID } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { it } from 'vitest';
import { z } from 'zod';
import { run } from '../../../src/core/host/index.js';
import { textOf } from '../../../src/core/values/index.js';
import { compiledWindowsTests } from '../compiled.js';
import type { NetworkNamespace } from '../netns.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const SUITE_TIMEOUT_MS = 1_500_000;

/** The folder for what V8 reports of each node.exe; see scripts/windows-coverage.mjs. */
const COVERAGE = process.env['MOBYVM_TEST_COVERAGE'];

const RECORD = z.object({ title: z.string(), error: z.string().optional(), ms: z.number().optional() });
type Record = z.infer<typeof RECORD>;

/** What a program in node.exe has written. */
export interface WineRun {
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined if it exited with 0. */
  readonly failure: string | undefined;
}

/** What a run has on the Linux side. */
export interface BesideWine {
  /** The network namespace that it runs in; that of this process if absent. */
  readonly namespace?: NetworkNamespace;
  /** Called before node.exe starts, with the folder that is `C:\\` there. Disposed of after its end. */
  readonly open?: (drive: string) => Promise<AsyncDisposable>;
}

/**
 * Runs a file of tsconfig.windows.json, compiled, in node.exe under Wine, in a Windows folder and a process
 * namespace of its own, which end with it.
 * @param file like `test/windows/inside/contract.js`
 */
export async function runInWine(
  file: string,
  args: readonly string[] = [],
  beside: BesideWine = {},
): Promise<WineRun> {
  const compiled = relative(ROOT, await compiledWindowsTests());
  const bench = await preparedBench();
  const prefix = `run-${randomUUID()}`;
  const prefixes = join(bench, 'tree/prefixes');
  const out = await mkdtemp(join(tmpdir(), 'mobyvm-wine-'));
  let opened: AsyncDisposable | undefined;
  try {
    await clonePrefix(join(prefixes, 'template'), join(prefixes, prefix));
    await cp(join(import.meta.dirname, 'session'), join(out, 'session'));
    if (COVERAGE !== undefined) await mkdir(join(out, 'coverage'));
    opened = await beside.open?.(join(prefixes, prefix, 'drive_c'));
    const script = `Z:\\project\\${compiled.replaceAll('/', '\\')}\\${file.replaceAll('/', '\\')}`;
    const enter = join(import.meta.dirname, 'enter');
    const inside = [bench, ROOT, prefix, out, 'bash', '/out/session', ...args, script];
    const limit = { timeoutMs: SUITE_TIMEOUT_MS };
    const started = beside.namespace?.run(enter, inside, limit) ?? run(enter, inside, limit);
    const failure = await started.then(
      () => undefined,
      (error: unknown) => textOf(error),
    );
    const [stdout = '', stderr = ''] = await Promise.all(
      ['stdout', 'stderr'].map((name) => readFile(join(out, name), 'utf8').catch(() => '')),
    );
    await keepCoverage(join(out, 'coverage'));
    return { stdout, stderr, failure };
  } finally {
    await opened?.[Symbol.asyncDispose]();
    await rm(out, { recursive: true, force: true });
    await rm(join(prefixes, prefix), { recursive: true, force: true });
  }
}

async function keepCoverage(folder: string): Promise<void> {
  if (COVERAGE !== undefined) await cp(folder, COVERAGE, { recursive: true });
}

/** The folder of the bench, made by the first test that needs it. */
export async function preparedBench(): Promise<string> {
  const prepared = await run(join(import.meta.dirname, 'prepare'), [], { timeoutMs: 900_000 });
  return prepared.stdout.trim();
}

/**
 * Hard links, which takes milliseconds. Wine writes its registry into a file with several links instead of replacing it, so
 * those files are copies.
 */
async function clonePrefix(template: string, prefix: string): Promise<void> {
  await run('cp', ['-al', template, prefix]);
  for (const name of await readdir(template)) {
    if (name.endsWith('.reg')) await run('cp', ['--remove-destination', join(template, name), prefix]);
  }
}

/** Runs a suite in node.exe and reports each of its tests. To be awaited at the top of a test file. */
export async function reportWineSuite(file: string, beside: BesideWine = {}): Promise<void> {
  const { stdout, stderr, failure } = await runInWine(
    file,
    ['Z:\\project\\test\\support\\wine\\run-suite.mjs'],
    beside,
  );
  const records: Record[] = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => RECORD.parse(JSON.parse(line)));
  for (const { title, error } of records) {
    it(title, () => {
      if (error !== undefined) throw new TypeError(error);
    });
  }
  it('the suite runs to its end and prints no warning', () => {
    const isWhole = records.at(-1)?.title === 'the process ends by itself';
    if (failure !== undefined || !isWhole || stderr !== '')
      throw new TypeError([failure, stderr].filter(Boolean).join('\n') || 'it stopped early');
  });
}
