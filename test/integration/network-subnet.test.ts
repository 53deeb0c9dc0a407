import { describe, expect, test } from 'vitest';
import { NetworkHost } from '../support/network-host.js';

describe('choosing a subnet', () => {
  test('uses 10.0.75.0/24 on a host without networks, and keeps it while the bridge has it', async () => {
    await using host = await NetworkHost.create();
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('10.0.75.0/24');
    await host.demand('ensure');
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('10.0.75.0/24');
    expect((await host.demand('choose', { wanted: '10.0.75.0/24' })).subnet).toBe('10.0.75.0/24');
  });

  test('avoids addresses, VPN routes of any table, blackholes and multipath routes', async () => {
    await using host = await NetworkHost.create();
    const { namespace } = host;
    await namespace.addBridge('lan0', ['10.0.75.9/25']);
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('10.0.76.0/24');
    await namespace.ip('route', 'add', '10.0.76.0/22', 'dev', 'lan0', 'table', '4711');
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('10.0.80.0/24');
    await namespace.ip('route', 'add', 'blackhole', '10.0.0.0/8');
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('192.168.65.0/24');
    const hop = ['nexthop', 'via', '10.0.75.10', 'dev', 'lan0', 'weight', '1'];
    await namespace.ip('route', 'add', '192.168.0.0/16', ...hop, ...hop.with(2, '10.0.75.11'));
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('172.30.75.0/24');
    await namespace.ip('route', 'add', 'unreachable', '172.16.0.0/12');
    const { error } = await host.ask('choose', { wanted: 'auto' });
    expect(error?.code).toBe('MOBYVM_NO_FREE_SUBNET');
  });

  test('ignores default routes, including split and unreachable ones', async () => {
    await using host = await NetworkHost.create();
    const { namespace } = host;
    await namespace.addBridge('lan0', ['192.168.1.5/24']);
    await namespace.ip('route', 'add', 'default', 'via', '192.168.1.1');
    await namespace.ip('route', 'add', '0.0.0.0/1', 'via', '192.168.1.1');
    await namespace.ip('route', 'add', '128.0.0.0/1', 'via', '192.168.1.1');
    await namespace.ip('route', 'add', 'unreachable', 'default', 'metric', '4278198272');
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('10.0.75.0/24');
  });

  test('rejects a setting that collides, names the collision and suggests a free subnet', async () => {
    await using host = await NetworkHost.create();
    await host.namespace.addBridge('wlan9', ['10.0.75.44/24']);
    const { error } = await host.ask('choose', { wanted: '10.0.75.0/24' });
    expect(error?.code).toBe('MOBYVM_SUBNET_IN_USE');
    expect(error?.message).toContain('10.0.75.44/24 of wlan9');
    expect(error?.remedy).toContain('network.subnet 10.0.76.0/24');
  });

  test('notices a VPN route that is added later', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    expect((await host.demand('overlap')).by).toBeUndefined();
    await host.namespace.addBridge('tun9', ['172.31.0.2/30']);
    await host.namespace.ip('route', 'add', '10.0.0.0/8', 'via', '172.31.0.1');
    expect((await host.demand('overlap')).by).toBe('route to 10.0.0.0/8 by tun9');
    expect((await host.demand('choose', { wanted: 'auto' })).subnet).toBe('192.168.65.0/24');
  });
});
