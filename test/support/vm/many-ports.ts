import { expect } from 'vitest';
import { run } from '../../../src/core/host/index.js';
import type { Instance } from '../instance.js';
import { listeningPlaces } from './echo-image.js';

const FIRST = 10_000;

/** Starts containers of an echo image, each with a published port, four at a time; they answer, and go. */
export async function manyPorts(instance: Instance, image: string, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => String(index));
  const inParallel = async (command: string): Promise<void> => {
    await run('sh', ['-c', `printf '%s\\n' ${names.join(' ')} | xargs -P 4 -n 1 sh -c '${command}' sh`], {
      timeoutMs: 7_200_000,
      env: { ...process.env, DOCKER_HOST: `unix://${instance.socket}` },
    });
  };
  const open = async (): Promise<string[]> =>
    (await listeningPlaces(instance)).filter((place) => /^0\.0\.0\.0:10[01]\d\d$/.test(place));

  await inParallel(`docker run -d --name many$1 -p $((${FIRST} + $1)):80 ${image} 80 >/dev/null`);
  expect(await open()).toHaveLength(count);
  for (const port of [FIRST, FIRST + count - 1]) {
    const args = ['netns', 'exec', instance.namespace, 'socat', '-t', '10', '-', `TCP:127.0.0.1:${port}`];
    expect((await run('ip', args, { input: 'hello' })).stdout).toBe('hello');
  }
  await inParallel('docker rm -f many$1 >/dev/null');
  expect(await open()).toEqual([]);
}
