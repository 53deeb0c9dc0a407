import { mutate, Random, shrink } from './mutate.js';
import type { FuzzTarget } from './target.js';

export interface FuzzRun {
  readonly seed: number;
  readonly count: number;
  readonly corpus: readonly Buffer[];
  /** Called before each input. */
  readonly onInput?: (index: number) => void;
}

export interface FuzzFailure {
  readonly index: number;
  readonly error: unknown;
  /** The smallest input found that fails. */
  readonly input: Buffer;
}

/** Feeds a target the seeds themselves, then mutated ones; undefined if none fails. */
export function runTarget(
  target: FuzzTarget,
  { seed, count, corpus, onInput }: FuzzRun,
): FuzzFailure | undefined {
  const tokens = target.tokens.map((token) => Buffer.from(token, 'latin1'));
  const random = new Random(seed);
  for (let index = 0; index < count; index += 1) {
    onInput?.(index);
    const input = corpus[index] ?? mutate(random, corpus, tokens);
    const error = errorOf(target, input);
    if (error === undefined) continue;
    const smallest = shrink(input, (shorter) => errorOf(target, shorter) !== undefined);
    return { index, error: errorOf(target, smallest) ?? error, input: smallest };
  }
  return undefined;
}

function errorOf(target: FuzzTarget, input: Buffer): unknown {
  try {
    // A copy: a target that keeps or changes its input must not change what is reported.
    target.run(Buffer.from(input));
    return undefined;
  } catch (error) {
    return error ?? 'undefined was thrown';
  }
}
