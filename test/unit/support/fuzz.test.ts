import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mutate, Random } from '../../fuzz/mutate.js';
import { runTarget } from '../../fuzz/run-target.js';
import { corpusOf, fuzzTargets } from '../../fuzz/target.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const TARGETS = await fuzzTargets();

describe('the codecs under fuzz', () => {
  it.each(TARGETS.map((target) => [target.name, target] as const))(
    '%s takes 20,000 mutated inputs without an error of its own',
    async (name, target) => {
      const failure = runTarget(target, { seed: 1, count: 20_000, corpus: await corpusOf(name, ROOT) });
      expect(failure && { ...failure, input: failure.input.toString('latin1') }).toBeUndefined();
    },
  );

  it('a codec that throws is found, with the smallest input and the same one from the same seed', () => {
    const corpus = [Buffer.from('hello world')];
    const target = {
      name: 'broken',
      tokens: ['!'],
      run: (input: Buffer) => {
        if (input.includes('!')) throw new RangeError('broken');
      },
    };
    const failures = [1, 2].map(() => runTarget(target, { seed: 7, count: 10_000, corpus }));
    expect(failures[0]).toEqual(failures[1]);
    expect(failures[0]?.input.toString()).toBe('!');
  });

  it('mutations repeat with their seed', () => {
    const all = [1, 1, 2].map((seed) => {
      const random = new Random(seed);
      return Array.from({ length: 50 }, () =>
        mutate(random, [Buffer.from('abc')], []).toString('hex'),
      ).join();
    });
    expect(all[0]).toBe(all[1]);
    expect(all[2]).not.toBe(all[0]);
  });
});
