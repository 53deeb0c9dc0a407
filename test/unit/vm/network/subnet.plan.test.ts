import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatSubnet,
  hostAt,
  parseIpv4,
  parseSubnet,
  subnetAround,
  subnetsOverlap,
  type MobyvmError,
} from '../../../../src/core/values/index.js';
import type { HostAddress, HostRoute } from '../../../../src/vm/network/linux/ip.codec.js';
import {
  CANDIDATES,
  findOverlap,
  planSubnet,
  subnetsOfBridge,
  type HostNetworks,
} from '../../../../src/vm/network/subnet.plan.js';

describe('planSubnet with auto', () => {
  it.each([
    ['nothing', host(), '10.0.75.0/24'],
    ['an address in it', host(['eth0 10.0.75.9/24']), '10.0.76.0/24'],
    ['an address around it', host(['eth0 10.9.9.9/8']), '192.168.65.0/24'],
    ['a VPN route', host([], ['tun0 10.0.0.0/8']), '192.168.65.0/24'],
    ['two VPN routes', host([], ['tun0 10.0.0.0/8', 'tun0 192.168.0.0/16']), '172.30.75.0/24'],
    ['a host route in it', host([], ['tun0 10.0.75.77/32']), '10.0.76.0/24'],
    ['a blackhole', host([], ['- 10.0.0.0/8 blackhole']), '192.168.65.0/24'],
    ['an unreachable route', host([], ['- 10.0.75.0/25 unreachable']), '10.0.76.0/24'],
    ['a local network on loopback', host([], ['lo 10.0.75.0/24 local']), '10.0.76.0/24'],
    ['a multipath route', host([], ['eth0+tun0 10.0.75.0/24']), '10.0.76.0/24'],
    ['a default route', host([], ['eth0 0.0.0.0/0']), '10.0.75.0/24'],
    ['halved default routes', host([], ['tun0 0.0.0.0/1', 'tun0 128.0.0.0/1']), '10.0.75.0/24'],
    ['an unreachable default route', host([], ['- 0.0.0.0/0 unreachable']), '10.0.75.0/24'],
    ['mobyvm’s own bridge', host(['mobyvm0 10.0.75.1/24'], ['mobyvm0 10.0.75.0/24']), '10.0.75.0/24'],
  ])('with %s on the host chooses a free subnet', (_, networks, expected) => {
    expect(formatSubnet(planSubnet({ wanted: 'auto', bridge: 'mobyvm0', host: networks }))).toBe(expected);
  });

  it("keeps the bridge's subnet, even outside the list, while it is free", () => {
    const present = host(['mobyvm0 10.200.4.1/22']);
    expect(formatSubnet(planSubnet({ wanted: 'auto', bridge: 'mobyvm0', host: present }))).toBe(
      '10.200.4.0/22',
    );
    const collides = host(['mobyvm0 10.200.4.1/22'], ['tun0 10.200.0.0/16']);
    expect(formatSubnet(planSubnet({ wanted: 'auto', bridge: 'mobyvm0', host: collides }))).toBe(
      '10.0.75.0/24',
    );
  });

  it('names what is in use when nothing is free', () => {
    const full = host([], ['tun0 10.0.0.0/8', 'tun0 172.16.0.0/12', 'tun1 192.168.0.0/16']);
    const error = thrown(() => planSubnet({ wanted: 'auto', bridge: 'mobyvm0', host: full }));
    expect(error.code).toBe('MOBYVM_NO_FREE_SUBNET');
    expect(error.message).toContain('route to 172.16.0.0/12 by tun0');
    expect(error.remedy).toContain('network.subnet');
  });

  it('never chooses a subnet that overlaps anything on the host, and gives up only if all do', () => {
    fc.assert(
      fc.property(networks(), (random) => {
        const free = CANDIDATES.filter((subnet) => findOverlap(subnet, 'mobyvm0', random) === undefined);
        try {
          const chosen = planSubnet({ wanted: 'auto', bridge: 'mobyvm0', host: random });
          expect(free[0]).toEqual(chosen);
          for (const { address, prefixLength } of random.addresses) {
            expect(subnetsOverlap(chosen, subnetAround(address, prefixLength))).toBe(false);
          }
        } catch (error) {
          expect((error as MobyvmError).code).toBe('MOBYVM_NO_FREE_SUBNET');
          expect(free).toEqual([]);
        }
      }),
    );
  });
});

describe('planSubnet with a setting', () => {
  const wanted = parseSubnet('10.0.75.0/24');

  it('uses it if it is free or already mobyvm’s own', () => {
    expect(planSubnet({ wanted, bridge: 'b', host: host() })).toBe(wanted);
    expect(planSubnet({ wanted, bridge: 'b', host: host(['b 10.0.75.1/24']) })).toBe(wanted);
  });

  it('names the device or route that it overlaps, and a free alternative', () => {
    const byAddress = thrown(() => planSubnet({ wanted, bridge: 'b', host: host(['wlan0 10.0.75.9/16']) }));
    expect(byAddress.code).toBe('MOBYVM_SUBNET_IN_USE');
    expect(byAddress.message).toBe(
      'The subnet 10.0.75.0/24 is in use on this host: address 10.0.75.9/16 of wlan0.',
    );
    expect(byAddress.remedy).toContain('network.subnet 192.168.65.0/24');
    const byRoute = thrown(() =>
      planSubnet({ wanted, bridge: 'b', host: host([], ['- 10.0.0.0/8 prohibit']) }),
    );
    expect(byRoute.message).toContain('prohibit route to 10.0.0.0/8');
  });

  it('has a remedy without an alternative when nothing is free', () => {
    const full = host([], ['t 10.0.0.0/8', 't 172.16.0.0/12', 't 192.168.0.0/16']);
    expect(thrown(() => planSubnet({ wanted, bridge: 'b', host: full })).remedy).toContain('network.subnet');
  });

  it.each(['10.0.75.0/31', '10.0.75.1/32', '8.0.0.0/7'])('rejects %s: too small or too large', (text) => {
    const error = thrown(() => planSubnet({ wanted: parseSubnet(text), bridge: 'b', host: host() }));
    expect(error.code).toBe('MOBYVM_SETTINGS');
    expect(error.message).toContain(text);
  });
});

describe('CANDIDATES', () => {
  it('are distinct private /24 networks, 10.0.75.0 first', () => {
    const blocks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map(parseSubnet);
    expect(CANDIDATES.map(formatSubnet)[0]).toBe('10.0.75.0/24');
    expect(new Set(CANDIDATES.map(formatSubnet)).size).toBe(CANDIDATES.length);
    for (const candidate of CANDIDATES) {
      expect(candidate.prefixLength).toBe(24);
      expect(blocks.some((block) => subnetsOverlap(block, candidate))).toBe(true);
    }
  });
});

describe('subnetsOfBridge', () => {
  it('returns the networks in which the bridge has the first address', () => {
    const { addresses } = host(['b 10.0.75.1/24', 'b 10.0.80.9/24', 'b 10.1.1.1/32', 'c 10.0.90.1/24']);
    expect(subnetsOfBridge('b', { addresses }).map(formatSubnet)).toEqual(['10.0.75.0/24']);
  });
});

/** `host(['eth0 10.0.0.5/24'], ['tun0 10.0.0.0/8', '- 10.6.0.0/16 blackhole'])` */
function host(addresses: readonly string[] = [], routes: readonly string[] = []): HostNetworks {
  return {
    addresses: addresses.map((text): HostAddress => {
      const [device = '', cidr = ''] = text.split(' ');
      const [address = '', prefix = ''] = cidr.split('/');
      return { device, address: parseIpv4(address), prefixLength: Number(prefix) };
    }),
    routes: routes.map((text): HostRoute => {
      const [devices = '', destination = '', type = 'unicast'] = text.split(' ');
      return {
        destination: parseSubnet(destination),
        type,
        devices: devices === '-' ? [] : devices.split('+'),
      };
    }),
  };
}

function networks(): fc.Arbitrary<HostNetworks> {
  const subnet = fc.oneof(
    fc.constantFrom(...CANDIDATES),
    fc
      .tuple(fc.constantFrom(...CANDIDATES), fc.integer({ min: 8, max: 30 }))
      .map(([{ network }, prefix]) => ({
        ...subnetAround(network, prefix),
      })),
  );
  return fc.record({
    addresses: fc.array(
      subnet.map((s) => ({ device: 'eth0', address: hostAt(s, 1), prefixLength: s.prefixLength })),
      { maxLength: 40 },
    ),
    routes: fc.array(
      subnet.map((destination) => ({ destination, type: 'unicast', devices: ['tun0'] })),
      { maxLength: 40 },
    ),
  });
}

function thrown(work: () => unknown): MobyvmError {
  try {
    work();
  } catch (error) {
    return error as MobyvmError;
  }
  return expect.fail('nothing was thrown');
}
