import { run } from '../../src/core/host/index.js';

/**
 * Global set-up of the vm tier: the product as it is installed, compiled from the present sources. `scripts/test` has
 * done that (`MOBYVM_TEST_DIST=built`), and its two lanes must not take each other's program away.
 */
export async function setup(): Promise<void> {
  if (process.env['MOBYVM_TEST_DIST'] === 'built') return;
  await run('npm', ['run', '--silent', 'build'], { timeoutMs: 300_000 });
}
