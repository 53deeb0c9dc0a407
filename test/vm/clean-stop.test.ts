import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { inGuest } from '../support/guest-shell.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

/** What becomes of containers and their data when the VM is stopped: one machine, stopped again and again. */
const IMAGE = 'mobyvm-busybox';
/** Of these, dockerd and the disk keep 60 (guest/overlay/usr/lib/mobyvm/stop-limits.sh). */
const STOP_SECONDS = 180;
const CONTAINER_SECONDS = 120;
let instance: Instance;

beforeAll(async () => {
  instance = await Instance.create({ vm: { stopTimeoutSeconds: STOP_SECONDS } });
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
});
afterAll(() => instance[Symbol.asyncDispose]());

/** PID 1 of a container ignores SIGTERM unless it handles it, as `sleep` does not. */
const IGNORING = ['sleep', '100000'];

function onTerm(commands: string): readonly string[] {
  return ['sh', '-c', `trap '${commands}' TERM; while :; do sleep 0.2; done`];
}

async function start(
  name: string,
  command: readonly string[],
  options: readonly string[] = [],
): Promise<void> {
  await instance.docker(['run', '-d', '--name', name, ...options, IMAGE, ...command]);
}

/** "exited 137" or "running 0" */
async function outcomes(...names: readonly string[]): Promise<Record<string, string>> {
  const format = '{{.Name}} {{.State.Status}} {{.State.ExitCode}}';
  const lines = (await instance.docker(['inspect', '-f', format, ...names])).trim().split('\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(1, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
  );
}

/** What the guest said about its last shutdown. */
async function shutdownLines(): Promise<string[]> {
  const log = await readFile(join(instance.directory, 'log', 'console.log'), 'utf8');
  return log.split(/\r?\n/).filter((line) => /\] shutdown!?:/.test(line));
}

/** Looks at a copy of the data disk's content, as the next mount would find it. */
async function expectCleanDisk(): Promise<void> {
  const raw = join(instance.directory, 'data.raw');
  try {
    await run('qemu-img', ['convert', '-O', 'raw', join(instance.directory, 'state/vm/data.qcow2'), raw], {
      timeoutMs: 120_000,
    });
    const { stdout } = await run('dumpe2fs', ['-h', raw]);
    expect(stdout).toMatch(/^Filesystem state: +clean$/m);
    expect(stdout).not.toMatch(/^Filesystem features:.*needs_recovery/m);
    const check = await run('e2fsck', ['-f', '-n', raw], {
      timeoutMs: 120_000,
      acceptExitCodes: [0, 1, 4, 8],
    });
    expect(check.exitCode, check.stdout).toBe(0);
  } finally {
    await rm(raw, { force: true });
  }
}

const UNMOUNTED = expect.stringMatching(/ shutdown: data disk \/dev\/\w+ unmounted$/) as string;

describe('down', () => {
  test('lets containers stop in their own way, kills those that take too long, and unmounts the disk', async () => {
    await start('obeying', onTerm('exit 7'));
    await start('ignoring', IGNORING);
    await start('slow', onTerm('sleep 5; echo whole >/end; exit 8'));
    await start('patient', onTerm('sleep 14; echo whole >/end; exit 9'), ['--stop-timeout', '40']);
    await start('stubborn', IGNORING, ['--stop-timeout', '1000']);
    await start('paused', IGNORING);
    await instance.docker(['pause', 'paused']);
    await start('always', IGNORING, ['--restart', 'always']);
    await start('looping', ['sh', '-c', 'sleep 0.2; exit 3'], ['--restart', 'always']);
    const exec = instance.docker(['exec', 'ignoring', 'sleep', '100000']).catch(() => 'ended');
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('powered off') as string });
    const killed = `killed the containers that had not ended after ${CONTAINER_SECONDS} s`;
    expect(down.stderr).toContain(`The guest reports: ${killed} (`);
    expect(await exec).toBe('ended');
    const lines = await shutdownLines();
    expect(lines.filter((line) => line.includes('shutdown!:'))).toEqual([expect.stringContaining(killed)]);
    expect(lines.at(-1)).toEqual(UNMOUNTED);
    await expectCleanDisk();
  });

  test('is followed by an up that knows their exit codes and restarts the right ones', async () => {
    await instance.up();
    expect(await outcomes('obeying', 'ignoring', 'slow', 'patient', 'stubborn', 'paused', 'always')).toEqual({
      obeying: 'exited 7',
      ignoring: 'exited 137',
      slow: 'exited 8',
      patient: 'exited 9',
      stubborn: 'exited 137',
      paused: 'exited 137',
      always: 'running 0',
    });
    expect((await outcomes('looping'))['looping']).toMatch(/^(?:running|restarting) /);
    for (const name of ['slow', 'patient'])
      expect(await instance.docker(['cp', `${name}:/end`, '-'])).toContain('whole');
    await instance.docker(['rm', '-f', 'looping', 'always']);
  });

  test('unmounts the disk even if dockerd is dead and its containers are not', async () => {
    await start('orphan', IGNORING);
    // dockerd is started again after 5 s; here it never comes up.
    await inGuest(
      instance,
      IMAGE,
      'echo exit 1 >/usr/lib/mobyvm/run-logged\nkill -KILL $(pidof dockerd)\n',
    ).catch(() => 'dockerd ended before its answer');
    expect((await instance.mobyvm(['down', '--stop'])).exitCode).toBe(0);
    const lines = await shutdownLines();
    expect(lines).toContainEqual(expect.stringMatching(/is in use; ending .*sleep \(pid \d+\)/) as string);
    expect(lines.at(-1)).toEqual(UNMOUNTED);
    await expectCleanDisk();
  });
});
