import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, sleep, waitFor } from '../../src/core/host/index.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

const KILLS = Number(process.env['MOBYVM_SOAK_KILLS'] ?? 100);
const IMAGE = 'mobyvm-busybox';
const MOST_CONTAINERS = 5;
const FIRST_PORT = 21_000;
const never = new AbortController().signal;
/** Each number is on the disk before the next one follows, also over a death of the VM. */
const COUNTER = `
n=$(tail -n 1 /kept/numbers 2>/dev/null || echo 0)
while :; do
  n=$((n + 1))
  echo $n | dd of=/kept/numbers oflag=append conv=notrunc,fsync 2>/dev/null
  sleep 0.2
done`;

/** What is done while something is killed, and for how long a kill may be waited for. */
interface Work {
  readonly what: string;
  readonly run: () => Promise<unknown>;
  readonly withinMs: number;
}

it(
  'whatever is killed, the next start finds one VM and every container',
  { timeout: 14_400_000 },
  async () => {
    await using instance = await Instance.create({});
    const host = join(instance.directory, 'host');
    await mkdir(host);
    await instance.up();
    await makeBusyboxImage(instance, IMAGE);
    const restarted = ['run', '-d', '--restart', 'always'];
    await instance.docker([
      ...restarted,
      '--name',
      'counter',
      '-v',
      'kept:/kept',
      IMAGE,
      'sh',
      '-c',
      COUNTER,
    ]);
    /** Containers that were there when nothing was under way, and those that may be: a removal can be lost, too. */
    const [kept, doubtful] = [new Set(['counter']), new Set<string>()];

    const counted = async (): Promise<number> =>
      Number(
        (await instance.docker(['exec', 'counter', 'busybox', 'tail', '-n', '1', '/kept/numbers'])).trim(),
      );
    const names = async (): Promise<readonly string[]> =>
      (await instance.docker(['ps', '-a', '--format', '{{.Names}}'])).trim().split('\n').sort();

    const works: readonly ((round: number) => Work)[] = [
      () => ({ what: 'up', run: () => instance.mobyvm(instance.upCommand), withinMs: 15_000 }),
      () => ({ what: 'down', run: () => instance.mobyvm(['down']), withinMs: 4_000 }),
      () => ({
        what: 'share add',
        run: () => instance.mobyvm(['share', 'add', 'C', '--path', host]),
        withinMs: 2_000,
      }),
      () => ({ what: 'share remove', run: () => instance.mobyvm(['share', 'remove', 'C']), withinMs: 2_000 }),
      (round) => {
        const others = [...kept].filter((name) => name !== 'counter');
        if (others.length >= randomInt(1, MOST_CONTAINERS)) {
          const gone = oneOf(others);
          kept.delete(gone);
          doubtful.add(gone);
          return { what: `rm ${gone}`, run: () => instance.docker(['rm', '-f', gone]), withinMs: 3_000 };
        }
        const name = `c${round}`;
        doubtful.add(name);
        const publish = ['-p', `127.0.0.1:${FIRST_PORT + round}:80`];
        const command = [...restarted, '--name', name, ...publish, IMAGE, 'sleep', '1000000'];
        return { what: `run ${name}`, run: () => instance.docker(command), withinMs: 3_000 };
      },
    ];

    for (let round = 1; round <= KILLS; round += 1) {
      const before = await counted();
      const { what, run: work, withinMs } = oneOf(works)(round);
      // Only a start that has something to do can be interrupted.
      if (what === 'up') await instance.mobyvm(['down', ...(randomInt(2) === 0 ? ['--stop'] : [])]);
      const working = Promise.allSettled([work()]);
      await sleep(randomInt(withinMs), never);
      const victim = randomInt(2) === 0 ? 'daemon' : 'QEMU';
      const isKilled = await kill(victim === 'daemon' ? instance.daemonPid() : instance.qemuPid());
      await working;
      const again = await instance.mobyvm(instance.upCommand);
      expect(again.exitCode, `up after round ${round} (${what}, ${victim}):\n${again.stderr}`).toBe(0);

      const all = await instance.processes();
      expect(
        all.filter((line) => line.includes('qemu-system')),
        `round ${round}: ${what}, ${victim}`,
      ).toHaveLength(1);
      expect(await instance.status()).toMatchObject({ engine: { reachable: true } });
      const found = await names();
      expect(
        [...kept].filter((name) => !found.includes(name)),
        `lost in round ${round} (${what})`,
      ).toEqual([]);
      expect(found.filter((name) => !kept.has(name) && !doubtful.has(name))).toEqual([]);
      for (const name of found) kept.add(name);
      const grows = async (): Promise<boolean> => (await counted()) > before;
      const hint = `It was at ${before}.`;
      await waitFor(
        { title: `the counter after round ${round}`, timeoutSeconds: 300, hint, check: grows },
        never,
      );
      process.stdout.write(
        `${round}: ${what}, ${isKilled ? victim : `no ${victim}`} killed, ${found.length} containers\n`,
      );
    }

    const numbers = (await instance.docker(['exec', 'counter', 'cat', '/kept/numbers']))
      .trim()
      .split('\n')
      .map(Number);
    expect(numbers).toEqual(numbers.map((_each, at) => at + 1));
    const down = await instance.mobyvm(['down', '--stop']);
    expect(down.exitCode, down.stderr).toBe(0);
    expect(await instance.processes()).toEqual([]);
    expect(await instance.status()).toMatchObject({ state: 'not-running', leftovers: 0 });
    expect((await run('ip', ['netns', 'list'])).stdout).not.toContain(instance.namespace);
  },
);

function oneOf<Each>(all: readonly Each[]): Each {
  const each = all[randomInt(all.length)];
  if (each === undefined) throw new RangeError('There are none.');
  return each;
}

/** False if there was none to kill. */
async function kill(pid: Promise<number>): Promise<boolean> {
  try {
    process.kill(await pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
