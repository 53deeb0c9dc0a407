// Compares the endpoint with the engine: npm run fuzz:engine -- [--count N] [--seed N]. Needs root, and what scripts/test
// has put into build/tools/engine.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const env = { ...process.env, FUZZ_COUNT: values.count ?? '20000', FUZZ_SEED: values.seed ?? '1' };
const { status } = spawnSync('node_modules/.bin/vitest', ['run', '--project', 'fuzz'], {
  stdio: 'inherit',
  env,
});
process.exit(status ?? 1);
