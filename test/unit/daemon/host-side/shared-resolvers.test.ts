import { describe, expect, it } from 'vitest';
import { Listeners } from '../../../../src/core/host/index.js';
import { SharedResolvers } from '../../../../src/daemon/host-side/shared-resolvers.js';
import type { ResolverSource } from '../../../../src/proxy/index.js';
import { resolversOf } from '../../../support/dns-client.js';

describe('resolvers that several servers share', () => {
  const changes = new Listeners();
  const counts = { opened: 0, closed: 0 };
  const open = (): Promise<ResolverSource> => {
    counts.opened += 1;
    return Promise.resolve(
      resolversOf(() => [], {
        onChange: (listener) => changes.add(listener),
        close: () => {
          counts.closed += 1;
          return Promise.resolve();
        },
      }),
    );
  };

  it('are read once, until the last of them has closed', async () => {
    const shared = new SharedResolvers(open);
    const [dns, dhcp] = await Promise.all([shared.open(), shared.open()]);
    await dns.close();
    await dns.close();
    expect(counts).toEqual({ opened: 1, closed: 0 });
    await dhcp.close();
    expect(counts).toEqual({ opened: 1, closed: 1 });
    await (await shared.open()).close();
    expect(counts).toEqual({ opened: 2, closed: 2 });
  });

  it('announce nothing to one that has closed', async () => {
    const shared = new SharedResolvers(open);
    const [dns, dhcp] = await Promise.all([shared.open(), shared.open()]);
    const told: string[] = [];
    dns.onChange(() => told.push('dns'));
    dhcp.onChange(() => told.push('dhcp'));
    await dns.close();
    changes.emit();
    expect(told).toEqual(['dhcp']);
    await dhcp.close();
  });

  it('are opened again after a failure', async () => {
    let isBroken = true;
    const shared = new SharedResolvers(() => (isBroken ? Promise.reject(new TypeError('no')) : open()));
    await expect(shared.open()).rejects.toThrow('no');
    isBroken = false;
    await (await shared.open()).close();
  });
});
