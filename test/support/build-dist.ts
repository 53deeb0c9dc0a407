import { run } from '../../src/core/index.js';

/** Global set-up of the vm tier: the product as it is installed, compiled from the present sources. */
export async function setup(): Promise<void> {
  await run('npm', ['run', '--silent', 'build'], { timeoutMs: 300_000 });
}
