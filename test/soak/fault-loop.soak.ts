import { randomInt } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, sleep } from '../../src/core/host/index.js';
import { FaultyMachine } from '../support/vm/faulty-machine.js';
import { BUSYBOX } from '../support/vm/started-machine.js';

const MINUTES = Number(process.env['MOBYVM_SOAK_MINUTES'] ?? 10);
const never = new AbortController().signal;
const MIB = 1024 ** 2;
/** A file is looked at before it is written to, or now and then: what comes in between is more than its limit. */
const SLACK_BYTES = MIB / 2;
/** As in docs/files.md. */
const LIMITS: Readonly<Record<string, number>> = {
  'daemon.log': 4 * MIB,
  'daemon1.log': 4 * MIB,
  'daemon2.log': 4 * MIB,
  'daemon.out': 0,
  'qemu.log': 0,
  'samba.log': MIB,
  'samba.log.old': MIB,
  // A folder of empty folders.
  cores: 0,
  'console.log': 4 * MIB,
  'console.log.1': 8 * MIB,
};
/** Asks for names that nobody has asked for, and reads a share. */
const ASKER =
  'n=0; while :; do n=$((n + 1)); nslookup n$n.example >/dev/null 2>&1; ls /data >/dev/null 2>&1; done';

it('logs stay under their limits in a loop of faults', { timeout: (MINUTES + 60) * 60_000 }, async () => {
  await using machine = await FaultyMachine.create();
  const { instance } = machine;
  await instance.docker(['run', '-d', '--name', 'asker', '-v', 'C:\\:/data', BUSYBOX, 'sh', '-c', ASKER]);
  const endMs = performance.now() + MINUTES * 60_000;
  for (let round = 1; performance.now() < endMs; round += 1) {
    for (const pid of await machine.fileServers()) kill(pid);
    await run('ip', ['netns', 'exec', instance.namespace, 'nft', 'flush', 'ruleset']);
    await machine.stopUpstream();
    await sleep(randomInt(500, 8_000), never);
    await machine.startUpstream();
    await sleep(randomInt(500, 3_000), never);
    const sizes = await logSizes(join(instance.directory, 'log'));
    expect(overLimit(sizes), `after round ${round}`).toEqual([]);
    const total = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0);
    process.stdout.write(`round ${round}: ${Math.round(total / 1024)} KiB of logs\n`);
  }
  // What was broken all the time is repaired in the end.
  await machine.untilContent();
  await instance.untilState('running', 300);
  expect(await instance.docker(['ps', '--format', '{{.Names}}'])).toBe('asker\n');
});

async function logSizes(folder: string): Promise<Readonly<Record<string, number>>> {
  const names = await readdir(folder);
  const sizes = names.map(async (name) => [name, (await stat(join(folder, name))).size] as const);
  return Object.fromEntries(await Promise.all(sizes));
}

/** A file that docs/files.md does not have is over its limit as soon as it is there. */
function overLimit(sizes: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(sizes).flatMap(([name, bytes]) => {
    const limit = LIMITS[name];
    return limit !== undefined && bytes <= limit + SLACK_BYTES ? [] : [`${name}: ${bytes} bytes`];
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Its parent took it along.
  }
}
