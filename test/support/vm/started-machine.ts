import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, sleep, statIfPresent } from '../../../src/core/host/index.js';
import { errnoOf } from '../../../src/core/values/index.js';
import { Instance, makeBusyboxImage } from '../instance.js';

/** The image that a started machine has. */
export const BUSYBOX = 'mobyvm-busybox';

/**
 * Where the files of a run keep a saved machine, to resume copies of it: `scripts/test` names it. Under emulation, a boot takes a
 * minute or two, and a resume ten seconds. Without it, each file boots its own machine.
 */
const KEPT = process.env['MOBYVM_TEST_MACHINES'];
const WAIT_MS = 600_000;

/** Starts an instance whose settings are those that a boot does not need; its engine has the image `BUSYBOX`. */
export async function startMachine(instance: Instance): Promise<void> {
  if (KEPT === undefined || !(await isKept(KEPT))) {
    await instance.up();
    await makeBusyboxImage(instance, BUSYBOX);
    return;
  }
  await takeCopy(KEPT, instance);
  const { stderr } = await instance.up();
  if (!stderr.includes('(resumed)')) throw new Error(`The copy of the machine was not resumed:\n${stderr}`);
}

/** Makes the machine unless another file does: then waits for it. False if there is none after all. */
async function isKept(folder: string): Promise<boolean> {
  const [kept, making] = [join(folder, 'machine'), join(folder, 'making')];
  const isThere = async (): Promise<boolean> => (await statIfPresent(kept)) !== undefined;
  const endMs = Date.now() + WAIT_MS;
  while (!(await isThere()) && Date.now() < endMs) {
    if (!(await begin(making))) {
      await sleep(500);
      continue;
    }
    try {
      await keep(kept);
    } finally {
      await rm(making, { recursive: true });
    }
  }
  return isThere();
}

/** False if another file has begun. */
async function begin(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function keep(kept: string): Promise<void> {
  await using instance = await Instance.create();
  await instance.up();
  await makeBusyboxImage(instance, BUSYBOX);
  const { stdout, stderr } = await instance.mobyvm(['down']);
  if (!stdout.includes('Its VM is saved')) throw new Error(`The machine was not saved:\n${stdout}${stderr}`);
  await copy(join(instance.directory, 'state'), `${kept}.new`);
  await writeFile(join(`${kept}.new`, 'directory'), instance.directory);
  await rename(`${kept}.new`, kept);
}

async function takeCopy(folder: string, instance: Instance): Promise<void> {
  const kept = join(folder, 'machine');
  const state = join(instance.directory, 'state');
  const directory = await readFile(join(kept, 'directory'), 'utf8');
  await copy(kept, state);
  await rm(join(state, 'directory'));
  for (const name of ['vm/definition.json', 'vm/saved.json']) {
    const path = join(state, name);
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll(directory, instance.directory));
  }
}

/** With times, by which a saved machine knows its disk, and without what a sparse file does not have. */
async function copy(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await run('cp', ['--archive', '--sparse=always', '--no-target-directory', from, to], {
    timeoutMs: 120_000,
  });
}
