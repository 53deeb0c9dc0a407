import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { runTarget } from './run-target.js';
import { corpusOf, fuzzTargets } from './target.js';

/**
 * Feeds codecs with mutated input: `npm run fuzz -- [TARGET...] [--count N] [--seed N]`. Without a target, all
 * of them. Exits with 1 if a codec throws what it must not, breaks its own rules, or does not return.
 */
const ROOT = resolve(import.meta.dirname, '../../../..');
/** A codec takes microseconds. */
const HANG_MS = 20_000;

interface Job {
  readonly name: string;
  readonly seed: number;
  readonly count: number;
  /** One integer: the input that is being decoded. */
  readonly progress: SharedArrayBuffer;
}

async function work({ name, seed, count, progress }: Job): Promise<string | undefined> {
  const target = (await fuzzTargets()).find((each) => each.name === name);
  if (target === undefined) return `there is no target "${name}"`;
  const view = new Int32Array(progress);
  const corpus = await corpusOf(name, ROOT);
  const failure = runTarget(target, { seed, count, corpus, onInput: (index) => (view[0] = index) });
  if (failure === undefined) return undefined;
  const { index, error, input } = failure;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `input ${index}: ${JSON.stringify(input.toString('latin1'))}\n  hex ${input.toString('hex')}\n  ${text}`;
}

/** Each target has a thread of its own, so that one that hangs is noticed. */
function supervise(job: Omit<Job, 'progress'>): Promise<string | undefined> {
  const progress = new SharedArrayBuffer(4);
  const view = new Int32Array(progress);
  const worker = new Worker(new URL(import.meta.url), { workerData: { ...job, progress } });
  return new Promise((settle) => {
    let last = -1;
    const watch = setInterval(() => {
      if (view[0] === last) finish(`input ${last} does not end`);
      last = view[0] ?? 0;
    }, HANG_MS);
    const finish = (problem: string | undefined): void => {
      clearInterval(watch);
      void worker.terminate();
      settle(problem);
    };
    worker.once('message', finish);
    worker.once('error', (error) => finish(error.stack ?? error.message));
  });
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' } },
  });
  const all = (await fuzzTargets()).map(({ name }) => name);
  const unknown = positionals.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`fuzz: no target ${unknown.join(', ')}. There are: ${all.join(', ')}.\n`);
    return 2;
  }
  const [count, seed] = [Number(values.count), Number(values.seed)];
  let failed = 0;
  for (const name of positionals.length > 0 ? positionals : all) {
    const startedMs = performance.now();
    const problem = await supervise({ name, seed, count });
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    if (problem === undefined) process.stdout.write(`${name}: ${count} inputs, seed ${seed}, ${seconds} s\n`);
    else {
      failed += 1;
      process.stdout.write(`${name}: FAILED with seed ${seed}, ${problem}\n`);
    }
  }
  return failed === 0 ? 0 : 1;
}

if (isMainThread) process.exitCode = await main();
else parentPort?.postMessage(await work(workerData as Job));
