import { randomInt } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, sleep, waitFor } from '../../src/core/host/index.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

const KILLS = Number(process.env['MOBYVM_SOAK_KILLS'] ?? 100);
const IMAGE = 'mobyvm-busybox';
const never = new AbortController().signal;
/**
 * Appends a numbered line, waits until it is on the host's disk, and only then notes it as written. What fails is
 * tried again, so a line may be there twice, but never be missing or torn.
 */
const WRITER = `
n=0
while :; do
  n=$((n + 1))
  until echo "line $n of the writer" | dd of=/site/lines oflag=append conv=notrunc,fsync 2>/dev/null; do sleep 0.1; done
  echo $n >>/written/log
done`;

it('nothing that was written is lost or torn, whatever is killed', { timeout: 7_200_000 }, async () => {
  await using instance = await Instance.create({});
  const host = join(instance.directory, 'host');
  await mkdir(join(host, 'site'), { recursive: true });
  const added = await instance.mobyvm(['share', 'add', 'C', '--path', host]);
  expect(added.stderr).toBe('');
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  const binds = ['-v', 'C:\\site:/site', '-v', 'written:/written'];
  await instance.docker(['run', '-d', '--name', 'writer', ...binds, IMAGE, 'sh', '-c', WRITER]);

  const linesOnHost = async (): Promise<readonly string[]> =>
    (await readFile(join(host, 'site/lines'), 'utf8').catch(() => '')).split('\n').slice(0, -1);
  const grows = async (title: string): Promise<void> => {
    const before = (await linesOnHost()).length;
    const check = async (): Promise<boolean> => (await linesOnHost()).length > before;
    await waitFor({ title, timeoutSeconds: 240, hint: 'See the test.', check }, never);
  };
  await grows('the writer to write');
  for (let kill = 1; kill <= KILLS; kill++) {
    await sleep(randomInt(50, 1_500), never);
    const what = randomInt(3) === 0 ? 'daemon' : 'smbd';
    if (what === 'daemon') {
      process.kill(await instance.daemonPid(), 'SIGKILL');
      await instance.up();
    } else {
      await killServers(instance);
    }
    await grows(`writing to continue after kill ${kill} (${what})`);
    process.stdout.write(`kill ${kill}: ${what}, ${(await linesOnHost()).length} lines\n`);
  }
  await instance.docker(['stop', '-t', '0', 'writer']);
  const log = await instance.docker(
    ['run', '--rm', '-v', 'written:/written', IMAGE, 'cat'].concat('/written/log'),
  );
  const written = log.trim().split('\n').map(Number);
  const lines = await linesOnHost();
  expect(lines.filter((line) => !/^line \d+ of the writer$/.test(line))).toEqual([]);
  const onHost = new Set(lines.map((line) => Number(line.split(' ')[1])));
  expect(written.filter((number) => !onHost.has(number))).toEqual([]);
  expect(written.length).toBeGreaterThan(KILLS);
});

/** smbd of this instance has its folder on the command line. */
async function killServers(instance: Instance): Promise<void> {
  const { stdout } = await run('ps', ['-eo', 'pid=,comm=,args=', '-ww']);
  for (const line of stdout.split('\n')) {
    const [, pid, name] = /^ *(\d+) (\S+)/.exec(line) ?? [];
    if (name === undefined || !name.startsWith('smbd') || !line.includes(instance.directory)) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended in the meantime.
    }
  }
}
