import { randomInt } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sleep, waitFor } from '../../src/core/host/index.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

const ROUNDS = Number(process.env['MOBYVM_SOAK_ROUNDS'] ?? 20);
const IMAGE = 'mobyvm-busybox';
const COUNTER = 'i=0; while :; do i=$((i+1)); echo $i; echo $i >/kept/count; sleep 0.2; done';

it('a container counts on through every save, and nothing grows', { timeout: 7_200_000 }, async () => {
  await using instance = await Instance.create({});
  const host = join(instance.directory, 'host');
  await mkdir(host);
  await writeFile(join(host, 'round'), '0');
  expect((await instance.mobyvm(['share', 'add', host])).stderr).toBe('');
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  await instance.docker(
    ['run', '-d', '--name', 'counter', '-v', 'kept:/kept', IMAGE, 'sh', '-c'].concat(COUNTER),
  );
  const boot = await instance.docker(['exec', 'counter', 'cat', '/proc/sys/kernel/random/boot_id']);
  const counted = async (): Promise<number> =>
    Number((await instance.docker(['logs', '--tail', '1', 'counter'])).trim());

  for (let round = 1; round <= ROUNDS; round++) {
    const before = await counted();
    const down = await instance.mobyvm(['down']);
    expect(down.stdout, down.stderr).toMatch(/Its VM is saved/);
    expect(await instance.processes()).toEqual([]);
    await writeFile(join(host, 'round'), String(round));
    const startedMs = performance.now();
    const { stderr } = await instance.up();
    const seconds = (performance.now() - startedMs) / 1_000;
    expect(stderr).toContain('(resumed)');
    expect(stderr).not.toMatch(/^! /m);
    const grows = async (): Promise<boolean> => (await counted()) > before;
    await waitFor(
      { title: `the counter after round ${round}`, timeoutSeconds: 120, hint: '', check: grows },
      new AbortController().signal,
    );
    expect(await instance.docker(['exec', 'counter', 'cat', '/proc/sys/kernel/random/boot_id'])).toBe(boot);
    expect(await instance.docker(['run', '--rm', '-v', `${host}:/host`, IMAGE, 'cat', '/host/round'])).toBe(
      String(round),
    );
    expect(await readdir(join(instance.directory, 'state/vm'))).not.toContain('memory.saved');
    const saved = /\((\d+) MiB\)/.exec(down.stdout)?.[1];
    process.stdout.write(`round ${round}: ${saved} MiB saved, up in ${seconds.toFixed(1)} s\n`);
  }
  const numbers = (await instance.docker(['logs', 'counter'])).trim().split('\n').map(Number);
  expect(numbers).toEqual(numbers.map((_each, at) => at + 1));
});

it('a container counts on through every pause of the VM', { timeout: 7_200_000 }, async () => {
  await using instance = await Instance.create({});
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  await instance.docker(
    ['run', '-d', '--name', 'counter', '-v', 'kept:/kept', IMAGE, 'sh', '-c'].concat(COUNTER),
  );
  const counted = async (): Promise<number> =>
    Number((await instance.docker(['logs', '--tail', '1', 'counter'])).trim());
  const pid = await instance.qemuPid();
  const boot = await instance.docker(['exec', 'counter', 'cat', '/proc/sys/kernel/random/boot_id']);

  for (let round = 1; round <= ROUNDS; round++) {
    const before = await counted();
    process.kill(pid, 'SIGSTOP');
    try {
      // Long enough for the daemon to find it silent in every other round.
      await sleep(randomInt(2_000, 20_000));
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await instance.untilState('running', 120);
    const isWell = async (): Promise<boolean> => {
      const { engine } = (await instance.status()) as unknown as { engine: { clockOffsetMs?: number } };
      return (await counted()) > before && Math.abs(engine.clockOffsetMs ?? Infinity) <= 2_000;
    };
    await waitFor(
      { title: `counter and clock after pause ${round}`, timeoutSeconds: 120, hint: '', check: isWell },
      new AbortController().signal,
    );
    expect(await instance.qemuPid()).toBe(pid);
    expect(await instance.docker(['exec', 'counter', 'cat', '/proc/sys/kernel/random/boot_id'])).toBe(boot);
    process.stdout.write(`pause ${round}: at ${await counted()}\n`);
  }
  const numbers = (await instance.docker(['logs', 'counter'])).trim().split('\n').map(Number);
  expect(numbers).toEqual(numbers.map((_each, at) => at + 1));
});
