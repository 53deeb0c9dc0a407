import { mkdir, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { runInWine } from '../../test/support/wine/suite.js';

const FIGURES = ['echoP50Ms', 'uploadMiBs', 'downloadMiBs', 'connectionsPerSecond', 'idleKiB'] as const;
const RESULT = z.object({
  peer: z.enum(['mobyvm', 'libuv']),
  echoP50Ms: z.number(),
  uploadMiBs: z.number(),
  downloadMiBs: z.number(),
  connectionsPerSecond: z.number(),
  idleKiB: z.number(),
});
type Result = z.infer<typeof RESULT>;

function median(results: readonly Result[], figure: (typeof FIGURES)[number]): number {
  const values = results.map((result) => result[figure]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? 0;
}

it("compares the named-pipe listener with libuv's under Wine", { timeout: 600_000 }, async () => {
  const { stdout, stderr } = await runInWine('bench/pipe/client.js');
  const results = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => RESULT.parse(JSON.parse(line)));
  const of = (peer: string): Result[] => results.filter((result) => result.peer === peer);
  const rows = FIGURES.map((figure) => {
    const [ours, theirs] = [median(of('mobyvm'), figure), median(of('libuv'), figure)];
    return `| ${figure} | ${ours.toFixed(2)} | ${theirs.toFixed(2)} | ${(ours / theirs).toFixed(2)} |`;
  });
  const table = ['| median | mobyvm | libuv | ratio |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
  await mkdir('build', { recursive: true });
  await writeFile('build/bench-pipe.md', table);
  process.stdout.write(`\n${table}`);
  expect(stderr).toBe('');
  expect(of('mobyvm').length).toBeGreaterThan(0);
});
