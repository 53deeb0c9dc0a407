import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../src/core/host/index.js';
import { SharedResolvers } from '../../src/daemon/host-side/shared-resolvers.js';
import { resolvConfResolvers } from '../../src/daemon/linux/resolv-conf-resolvers.js';
import { polledResolvers } from '../../src/daemon/windows/polled-resolvers.js';
import { windowsResolvers, windowsSearchDomains } from '../../src/vm/index.js';
import type { Adapter } from '../../src/windows/net/adapters.codec.js';
import { planResolution } from '../../src/windows/net/resolution.plan.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { describeResolverSource, type ResolverHost } from './resolver-source.js';

async function linuxHost(): Promise<ResolverHost> {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-resolvers-'));
  const path = join(folder, 'resolv.conf');
  const uplinkPath = join(folder, 'uplinks');
  return {
    withoutServers: ['127.0.0.1'],
    open: () =>
      resolvConfResolvers({ path, uplinkPath, hostName: 'host', logger: silentLogger, everyMs: 10 }),
    configure: async (servers, search = []) => {
      if (servers.length === 0) return rm(path, { force: true });
      const lines = servers.map((server) => `nameserver ${server}\n`).join('');
      await writeFile(`${path}.new`, search.length === 0 ? lines : `${lines}search ${search.join(' ')}\n`);
      await rename(`${path}.new`, path);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

describeResolverSource('Linux', linuxHost);

describeResolverSource('Linux, shared by several servers', async () => {
  const host = await linuxHost();
  const shared = new SharedResolvers(() => host.open());
  return { ...host, open: () => shared.open() };
});

describeResolverSource('Windows', () => {
  const host = new SimulatedHost();
  const powerShell = new SimulatedPowerShell(host.answer);
  const [card] = host.network.adapters;
  return Promise.resolve({
    withoutServers: [],
    open: () =>
      polledResolvers({
        read: async (signal) => ({
          servers: await windowsResolvers(powerShell, 'mobyvm', signal),
          searchDomains: await windowsSearchDomains(powerShell, 'mobyvm', signal),
        }),
        logger: silentLogger,
        everyMs: 10,
      }),
    configure: (servers: readonly string[], search: readonly string[] = []) => {
      host.network.adapters.splice(0, 1, { ...card!, nameServers: servers, nameServers6: [] });
      host.network.searchList = search;
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => {
      host.close();
      return Promise.resolve();
    },
  });
});

describeResolverSource('Windows, by its own calls', () => {
  let adapters: readonly Adapter[] = [];
  let lists: readonly string[] = [];
  let hasChanged = false;
  return Promise.resolve({
    withoutServers: [],
    open: () =>
      polledResolvers({
        read: () => Promise.resolve(planResolution(adapters, { lists, domain: undefined }, 'ours')),
        logger: silentLogger,
        everyMs: 3_600_000,
        lookMs: 10,
        changes: {
          take: () => {
            const has = hasChanged;
            hasChanged = false;
            return has;
          },
          close: () => undefined,
        },
      }),
    configure: (nameServers: readonly string[], search: readonly string[] = []) => {
      adapters = [{ index: 4, name: 'Ethernet', metric: 25, nameServers, suffix: '' }];
      lists = [search.join(',')];
      hasChanged = true;
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});
