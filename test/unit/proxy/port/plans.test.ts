import { describe, expect, test } from 'vitest';
import { planAudit, type AuditFacts } from '../../../../src/proxy/port/audit.plan.js';
import { listenPlan } from '../../../../src/proxy/port/listen-addresses.plan.js';
import { listedPorts, onHostNetwork } from '../../../../src/daemon/ports/listed-ports.plan.js';

describe('the addresses of a listener', () => {
  const host = {
    addresses: ['127.0.0.1', '192.168.1.5', '10.0.75.1', '::1', 'fe80::1%eth0'],
    switchAddress: '10.0.75.1',
    isSwitchTaken: false,
    canShareUdp: true,
  };

  test.each([
    ['tcp', '0.0.0.0', 'lan', ['0.0.0.0'], []],
    ['tcp', '::', 'lan', ['::'], []],
    ['tcp', '0.0.0.0', 'localhost', ['127.0.0.1'], []],
    ['tcp', '::', 'localhost', ['::1'], []],
    ['tcp', '127.0.0.1', 'lan', ['127.0.0.1'], ['::1']],
    ['udp', '127.0.0.1', 'localhost', ['127.0.0.1'], ['::1']],
    ['tcp', '::1', 'lan', ['::1'], []],
    ['tcp', '192.168.1.5', 'localhost', ['192.168.1.5'], []],
    ['udp', '0.0.0.0', 'lan', ['127.0.0.1', '192.168.1.5'], []],
    ['udp', '::', 'lan', ['::1', 'fe80::1%eth0'], []],
    ['udp', '::', 'localhost', ['::1'], []],
  ] as const)(
    '%s %s, exposed to %s: %j, and %j if free',
    (...[protocol, hostIp, exposure, needed, optional]) => {
      expect(listenPlan({ protocol, hostIp }, exposure, host)).toMatchObject({ needed, optional });
    },
  );

  test.each([
    ['tcp', '0.0.0.0', ['127.0.0.1', '192.168.1.5']],
    ['udp', '0.0.0.0', ['127.0.0.1', '192.168.1.5']],
    ['tcp', '::', ['::']],
    ['tcp', '10.0.75.1', ['10.0.75.1']],
  ] as const)("%s %s leaves the switch's address to mobyvm's own server: %j", (protocol, hostIp, needed) => {
    const plan = listenPlan({ protocol, hostIp }, 'lan', { ...host, isSwitchTaken: true });
    expect(plan).toMatchObject({ needed, hasRest: false });
  });

  test('UDP on all IPv4 addresses has a socket for the rest where sockets can share a port', () => {
    const hasRest = (protocol: 'tcp' | 'udp', hostIp: string, canShareUdp = true): boolean =>
      listenPlan({ protocol, hostIp }, 'lan', { ...host, canShareUdp }).hasRest;
    expect(hasRest('udp', '0.0.0.0')).toBe(true);
    expect([
      hasRest('udp', '0.0.0.0', false),
      hasRest('udp', '::'),
      hasRest('udp', '127.0.0.1'),
      hasRest('tcp', '0.0.0.0'),
      listenPlan({ protocol: 'udp', hostIp: '0.0.0.0' }, 'localhost', host).hasRest,
    ]).toEqual([false, false, false, false, false]);
  });

  test('only [::] can do without IPv6', () => {
    const mayLackIpv6 = (hostIp: string): boolean =>
      listenPlan({ protocol: 'tcp', hostIp }, 'lan', host).mayLackIpv6;
    expect(['::', '0.0.0.0', '::1', '127.0.0.1'].map(mayLackIpv6)).toEqual([true, false, false, false]);
  });
});

describe('an audit', () => {
  const facts = (change: Partial<AuditFacts>): AuditFacts => ({
    held: [],
    listed: new Set(),
    askedAtMs: 100_000,
    releasedAtMs: new Map(),
    ...change,
  });
  const held = (key: string, lostAtMs?: number, wasListed = true) => ({ key, wasListed, lostAtMs });

  test('changes nothing if the listeners match the list', () => {
    expect(planAudit(facts({ held: [held('a'), held('b', 5)], listed: new Set(['a', 'b']) }))).toEqual({
      open: [],
      close: [],
    });
  });

  test('opens ports of running containers that are not open', () => {
    expect(planAudit(facts({ held: [held('a')], listed: new Set(['a', 'b']) })).open).toEqual(['b']);
  });

  test('does not reopen a port that was released recently, while its container stops', () => {
    const releasedAtMs = new Map([
      ['after', 70_001],
      ['before', 69_999],
    ]);
    expect(planAudit(facts({ listed: new Set(['after', 'before']), releasedAtMs })).open).toEqual(['before']);
  });

  test('closes ports that are not listed and whose connection was lost before the request', () => {
    expect(planAudit(facts({ held: [held('before', 99_999), held('after', 100_001)] })).close).toEqual([
      'before',
    ]);
  });

  test('keeps a port whose connection exists, however long its container takes to start', () => {
    expect(planAudit(facts({ held: [held('new', undefined, false), held('old')] })).close).toEqual([]);
  });

  test('gives the guest time to come back for a container that was never listed', () => {
    const lost = [held('just', 90_000, false), held('long ago', 80_000, false)];
    expect(planAudit(facts({ held: lost })).close).toEqual(['long ago']);
  });
});

describe("the engine's list", () => {
  test('has the published TCP and UDP ports with the names of their containers', () => {
    const published = { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' };
    const containers = [
      {
        Id: 'a'.repeat(64),
        Names: ['/web'],
        Ports: [published, { PrivatePort: 443, Type: 'tcp' }, { ...published, Type: 'sctp' }],
      },
      { Id: 'b'.repeat(64), Names: null, Ports: [{ ...published, IP: '::', Type: 'udp' }] },
      { Id: 'c', Ports: null },
    ];
    expect(listedPorts(containers)).toEqual([
      { protocol: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, container: 'web' },
      { protocol: 'udp', hostIp: '::', hostPort: 8080, containerPort: 80, container: 'bbbbbbbbbbbb' },
    ]);
  });

  test('cannot make mobyvm listen on an invalid port', () => {
    const bad = { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 70_000, Type: 'tcp' };
    expect(listedPorts([{ Id: 'a', Names: ['/x'], Ports: [bad, { ...bad, PublicPort: 0 }] }])).toEqual([]);
  });

  test('of containers with the network of the VM are not published: their names are listed', () => {
    const containers = [
      { Id: 'a', Names: ['/web'], HostConfig: { NetworkMode: 'host' } },
      { Id: 'b', Names: ['/db'], HostConfig: { NetworkMode: 'bridge' } },
      { Id: 'c', Names: ['/old'] },
      { Id: '0123456789abcdef', HostConfig: { NetworkMode: 'host' } },
    ];
    expect(onHostNetwork(containers)).toEqual(['web', '0123456789ab']);
    expect(onHostNetwork(Array.from({ length: 500 }, () => containers[0] ?? { Id: '' }))).toHaveLength(8);
  });
});
