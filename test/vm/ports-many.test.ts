import { afterAll, beforeAll, expect, test } from 'vitest';
import { run, type RunResult } from '../../src/core/host/index.js';
import { Instance } from '../support/instance.js';
import { listeningPlaces, makeEchoImage } from '../support/vm/echo-image.js';

/**
 * Many containers at the same time. Software emulation takes seconds for each, so there it is an eighth of
 * them, and more time than other tests get.
 */
const ECHO = 'mobyvm-port-echo';
const WITH_KVM = 200;
const EMULATED = 25;
let instance: Instance;

beforeAll(async () => {
  instance = await Instance.create({ vm: { memoryMiB: 4096 } });
  await instance.up();
  await makeEchoImage(instance, ECHO);
});
afterAll(() => instance[Symbol.asyncDispose]());

test(`${WITH_KVM} containers with a port each (${EMULATED} without KVM) come up, answer and go`, async () => {
  const { vm } = (await instance.status()) as unknown as { vm: { accelerator: string } };
  const count = vm.accelerator === 'kvm' ? WITH_KVM : EMULATED;
  const names = Array.from({ length: count }, (_, index) => String(index));
  const inParallel = (command: string): Promise<RunResult> =>
    run('sh', ['-c', `printf '%s\\n' ${names.join(' ')} | xargs -P 4 -n 1 sh -c '${command}' sh`], {
      timeoutMs: 1_500_000,
      env: { ...process.env, DOCKER_HOST: `unix://${instance.socket}` },
    });
  const open = async (): Promise<string[]> =>
    (await listeningPlaces(instance)).filter((place) => /^0\.0\.0\.0:10[01]\d\d$/.test(place));

  await inParallel(`docker run -d --name many$1 -p $((10000 + $1)):80 ${ECHO} 80 >/dev/null`);
  expect(await open()).toHaveLength(count);
  for (const port of [10_000, 10_000 + count - 1]) {
    const place = `TCP:127.0.0.1:${port}`;
    const args = ['netns', 'exec', instance.namespace, 'socat', '-t', '10', '-', place];
    expect((await run('ip', args, { input: 'hello' })).stdout).toBe('hello');
  }
  await inParallel('docker rm -f many$1 >/dev/null');
  expect(await open()).toEqual([]);
}, 1_800_000);
