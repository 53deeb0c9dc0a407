import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../../src/core/host/index.js';
import type { Instance } from '../instance.js';

/** An image with one program, which echoes on the ports given as arguments. */
export function makeEchoImage(instance: Instance, name: string): Promise<void> {
  return makeProgramImage(instance, 'port-echo', name);
}

/** An image with one program of test/fixtures/programs, which its containers run. */
export async function makeProgramImage(instance: Instance, program: string, name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-program-'));
  try {
    const source = join(import.meta.dirname, `../../fixtures/programs/${program}.c`);
    await run('musl-gcc', ['-static', '-Os', '-s', '-o', join(folder, program), source]);
    await run('tar', ['-C', folder, '-cf', join(folder, 'image.tar'), program]);
    await instance.docker(['import', '-c', `ENTRYPOINT ["/${program}"]`, join(folder, 'image.tar'), name]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The addresses with a TCP listener in the instance's namespace. */
export async function listeningPlaces(instance: Instance): Promise<string[]> {
  const { stdout } = await run('ip', ['netns', 'exec', instance.namespace, 'ss', '-Hlnt']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[3] ?? '')
    .filter((place) => place !== '');
}
