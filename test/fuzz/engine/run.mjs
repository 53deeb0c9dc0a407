// Compares the endpoint with the engine: npm run fuzz:engine -- [--count N] [--seed N] [--from CASE]. Needs root, and what scripts/test
// has put into build/tools/engine.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const text = { type: 'string' };
const { values } = parseArgs({ options: { count: text, seed: text, from: text } });
const env = {
  ...process.env,
  FUZZ_COUNT: values.count ?? '20000',
  FUZZ_SEED: values.seed ?? '1',
  FUZZ_FROM: values.from ?? '0',
};
const { status } = spawnSync('node_modules/.bin/vitest', ['run', '--project', 'fuzz'], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
