import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { silentLogger, waitFor } from '../../../../src/core/host/index.js';
import { parseIpv4 } from '../../../../src/core/values/index.js';
import { hostsFile } from '../../../../src/daemon/host-side/hosts-file.js';

it('the host’s hosts file is followed when it is written, replaced and removed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-hosts-'));
  const path = join(folder, 'hosts');
  const options = { path, hostAddress: parseIpv4('10.0.75.1'), logger: silentLogger, everyMs: 10 };
  const hosts = await hostsFile(options);
  try {
    let changes = 0;
    hosts.onChange(() => (changes += 1));
    const until = (address: string | undefined): Promise<void> =>
      waitFor(
        {
          title: `the address ${address ?? 'to be unknown'}`,
          timeoutSeconds: 20,
          hint: '',
          everyMs: 5,
          check: () => Promise.resolve(hosts.table.addressesOf('db.test')?.[0] === address),
        },
        new AbortController().signal,
      );
    await until(undefined);
    await writeFile(path, '192.0.2.7 db.test\n');
    await until('192.0.2.7');
    await writeFile(`${path}.new`, '192.0.2.8 db.test\n');
    await rename(`${path}.new`, path);
    await until('192.0.2.8');
    await rm(path);
    await until(undefined);
    // A write that is seen half done is one change more.
    expect(changes).toBeGreaterThanOrEqual(3);
  } finally {
    await hosts.close();
    await rm(folder, { recursive: true, force: true });
  }
});
