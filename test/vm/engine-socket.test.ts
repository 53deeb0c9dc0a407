import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';
import { RunningProgram } from '../support/netns-program.js';

/** Containers that get the engine of the host, as users write it: abiosoft/colima#712, testcontainers-java#8170. */
const PROGRAMS = resolve(import.meta.dirname, '../fixtures/programs');
const IMAGE = 'mobyvm-busybox';
/** What Testcontainers 11.14 asks for; it cannot be pulled here. */
const RYUK = 'testcontainers/ryuk:0.14.0';
const TARGET = '/var/run/docker.sock';
let instance: Instance;

beforeAll(async () => {
  instance = await Instance.create();
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  await makeReaperImage();
});
afterAll(() => instance[Symbol.asyncDispose]());

async function makeReaperImage(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-reaper-'));
  try {
    const source = join(PROGRAMS, 'reaper.c');
    await run('musl-gcc', ['-static', '-Os', '-s', '-o', join(folder, 'reaper'), source]);
    await run('tar', ['-C', folder, '-cf', join(folder, 'image.tar'), 'reaper']);
    const changes = ['-c', 'ENTRYPOINT ["/reaper"]', '-c', 'EXPOSE 8080'];
    await instance.docker(['import', ...changes, join(folder, 'image.tar'), RYUK]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the engine's socket in a container", () => {
  test('is what DOCKER_HOST names, however it is written', async () => {
    const { socket } = instance;
    for (const mount of [
      ['-v', `${socket}:${TARGET}`],
      ['--mount', `type=bind,source=${socket},target=${TARGET}`],
      ['-v', `/${socket}:${TARGET}:ro`],
      ['-v', `//var/run/docker.sock:${TARGET}`],
      ['-v', `//./pipe/docker_engine:${TARGET}`],
      ['-v', `\\\\.\\pipe\\mobyvm_engine:${TARGET}`],
    ]) {
      const listing = await instance.docker(['run', '--rm', ...mount, IMAGE, 'ls', '-ld', TARGET]);
      expect(listing, mount.join(' ')).toMatch(/^s/);
    }
  });

  test('is refused with the bind to use if it is written in a form that Linux does not have', async () => {
    for (const mount of [
      ['--mount', `type=npipe,source=\\\\.\\pipe\\docker_engine,target=${TARGET}`],
      ['-v', `unix://${instance.socket}:${TARGET}`],
    ]) {
      const result = run('docker', ['-H', `unix://${instance.socket}`, 'run', '--rm', ...mount, IMAGE, 'ls']);
      await expect(result, mount.join(' ')).rejects.toThrow(
        /-v \/\/var\/run\/docker\.sock:\/var\/run\/docker\.sock/,
      );
    }
  });
});

describe('Testcontainers, without any setting', () => {
  test('removes its containers by its reaper when the program that started them was killed', async () => {
    const args = [
      'netns',
      'exec',
      instance.namespace,
      process.execPath,
      join(PROGRAMS, 'testcontainers.mjs'),
    ];
    const environment = {
      DOCKER_HOST: `unix://${instance.socket}`,
      HOME: instance.directory,
      // On a host that itself looks like a container, Testcontainers would take Docker's default gateway for the host.
      ...(existsSync('/.dockerenv') ? { TESTCONTAINERS_HOST_OVERRIDE: 'localhost' } : {}),
    };
    await using program = new RunningProgram('ip', [...args, IMAGE, 'sleep', '1000000'], environment);
    const line = await program.line(/"event":"started"/, 120);
    const { id } = JSON.parse(line) as { id: string };
    const names = (): Promise<string> =>
      instance.docker(['ps', '-a', '--no-trunc', '--format', '{{.ID}} {{.Image}}']);
    expect(await names()).toContain(RYUK);
    expect(await names()).toContain(id);
    await program.stop('SIGKILL');
    const check = async (): Promise<boolean> => !(await names()).includes(id);
    const hint = 'See the log of the reaper.';
    await waitFor(
      { title: 'the container to be removed', timeoutSeconds: 120, hint, check },
      new AbortController().signal,
    );
  });
});
