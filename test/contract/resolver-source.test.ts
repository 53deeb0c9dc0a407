import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/core/host/index.js';
import { resolvConfResolvers } from '../../src/daemon/linux/resolv-conf-resolvers.js';
import { describeResolverSource, type ResolverHost } from './resolver-source.js';

describeResolverSource('Linux', async (): Promise<ResolverHost> => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-resolvers-'));
  const path = join(folder, 'resolv.conf');
  return {
    open: () => resolvConfResolvers({ path, logger: silentLogger, everyMs: 10 }),
    configure: async (servers) => {
      if (servers.length === 0) return rm(path, { force: true });
      await writeFile(`${path}.new`, servers.map((server) => `nameserver ${server}\n`).join(''));
      await rename(`${path}.new`, path);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
});
