import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import { Instance, makeBusyboxImage } from '../support/instance.js';

const REBOOTS = Number(process.env['MOBYVM_SOAK_REBOOTS'] ?? 20);
const IMAGE = 'mobyvm-busybox';
/** Says what it read at each start, where the share cannot be in its way. */
const SCRIPT = 'cat /site/index.html >>/log/starts || echo failed >>/log/starts; exec sleep 1000000';

it('a container that is always restarted finds its share at each boot', { timeout: 7_200_000 }, async () => {
  await using instance = await Instance.create({});
  const host = join(instance.directory, 'host');
  await mkdir(join(host, 'site'), { recursive: true });
  await writeFile(join(host, 'site/index.html'), 'hello\n');
  const added = await instance.mobyvm(['share', 'add', 'C', '--path', host]);
  expect(added.stderr).toBe('');
  await instance.up();
  await makeBusyboxImage(instance, IMAGE);
  const binds = ['-v', 'C:\\site:/site', '-v', 'log:/log'];
  await instance.docker(
    ['run', '-d', '--name', 'web', '--restart', 'always', ...binds, IMAGE].concat('sh', '-c', SCRIPT),
  );
  for (let boot = 1; boot <= REBOOTS; boot++) {
    const restarted = await instance.mobyvm(['restart']);
    expect(restarted.exitCode, restarted.stderr).toBe(0);
    let starts = '';
    const check = async (): Promise<boolean> => {
      starts = await instance.docker(['exec', 'web', 'cat', '/log/starts']).catch(() => '');
      return starts.split('\n').length - 1 > boot;
    };
    const what = { title: `start ${boot} of the container`, timeoutSeconds: 180, hint: starts, check };
    await waitFor(what, new AbortController().signal);
    expect(starts).toBe('hello\n'.repeat(boot + 1));
    process.stdout.write(`boot ${boot}: the container has read its share\n`);
  }
  expect(await readFile(join(host, 'site/index.html'), 'utf8')).toBe('hello\n');
});
