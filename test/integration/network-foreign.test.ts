import { describe, expect, test } from 'vitest';
import { NetworkHost } from '../support/network-host.js';

describe('foreign objects', () => {
  test.each([
    ['a bridge of the same name', ['link', 'add', 'mobyvm0', 'type', 'bridge']],
    ['another device of the same name', ['link', 'add', 'mobyvm0', 'type', 'veth', 'peer', 'name', 'other0']],
    ['a device with that alternative name', ['link', 'property', 'add', 'dev', 'odd0', 'altname', 'mobyvm0']],
  ])('%s is rejected by name and left alone', async (_, command) => {
    await using host = await NetworkHost.create();
    await host.namespace.addBridge('odd0');
    await host.namespace.ip(...command);
    const before = await host.snapshot();
    const { error } = await host.ask('ensure');
    expect(error?.code).toBe('MOBYVM_FOREIGN_OBJECT');
    expect(error?.message).toContain('"mobyvm0"');
    expect(error?.remedy).toContain('network.bridge');
    await host.demand('remove');
    expect(await host.snapshot()).toEqual(before);
  });

  test('a bridge of another instance is rejected with its tag', async () => {
    await using host = await NetworkHost.create();
    await host.namespace.addBridge('mobyvm0');
    await host.namespace.ip('link', 'set', 'dev', 'mobyvm0', 'alias', 'mobyvm:another');
    const { error } = await host.ask('ensure');
    expect(error?.code).toBe('MOBYVM_FOREIGN_OBJECT');
    expect(error?.message).toContain('mobyvm:another');
  });

  test('a tap device of the same name is rejected, and everything created before is undone', async () => {
    await using host = await NetworkHost.create();
    await host.namespace.ip('tuntap', 'add', 'dev', 'mobyvm0-t0', 'mode', 'tap');
    const before = await host.snapshot();
    const { error } = await host.ask('ensure');
    expect(error?.code).toBe('MOBYVM_FOREIGN_OBJECT');
    expect(error?.message).toContain('mobyvm0-t0');
    await host.demand('remove');
    expect(await host.snapshot()).toEqual(before);
  });

  test('an nftables table of the same name is rejected and left alone, as are all other tables', async () => {
    await using host = await NetworkHost.create();
    await host.namespace.run('nft', ['add table inet mobyvm_mobyvm0; add chain inet mobyvm_mobyvm0 theirs']);
    await host.namespace.run('nft', ['add table inet other; add chain inet other c']);
    const before = await host.snapshot();
    const { error } = await host.ask('ensure');
    expect(error?.code).toBe('MOBYVM_FOREIGN_OBJECT');
    expect(error?.message).toContain('inet mobyvm_mobyvm0');
    await host.demand('remove');
    expect(await host.snapshot()).toEqual(before);
  });

  test('another table, bridge and address survive ensure and remove', async () => {
    await using host = await NetworkHost.create();
    await host.namespace.addBridge('docker0', ['172.17.0.1/16']);
    await host.namespace.run('nft', ['add table ip nat; add chain ip nat mine']);
    const before = await host.snapshot();
    await host.demand('ensure');
    await host.demand('remove');
    expect(await host.snapshot()).toEqual(before);
  });

  test('an extra address on the bridge is reported, and kept when mobyvm’s own changes', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    const { namespace } = host;
    await namespace.ip('address', 'delete', '10.0.75.1/24', 'dev', 'mobyvm0');
    await namespace.ip('address', 'add', '10.0.75.1/16', 'dev', 'mobyvm0');
    await namespace.ip('address', 'add', '10.0.33.9/16', 'dev', 'mobyvm0');
    const { progress } = await host.demand('ensure');
    expect(progress?.join('\n')).toContain('10.0.33.9/16');
    expect((await host.demand('warnings')).warnings?.map(({ event }) => event)).toEqual([
      'network.address.foreign',
    ]);
    const addresses = await namespace.ip('-brief', '-4', 'address', 'show', 'dev', 'mobyvm0');
    expect(addresses).toContain('10.0.33.9/16');
    expect(addresses).toContain('10.0.75.1/24');
    expect(addresses).not.toContain('10.0.75.1/16');
  });

  test('forwarding that was already on stays on', async () => {
    await using host = await NetworkHost.create();
    await host.namespace.run('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
    await host.demand('ensure');
    await host.demand('remove');
    expect((await host.namespace.run('sysctl', ['-n', 'net.ipv4.ip_forward'])).stdout).toBe('1\n');
  });

  test('forwarding that mobyvm turned on stays on while others need it', async () => {
    await using host = await NetworkHost.create();
    await host.demand('ensure');
    await host.namespace.run('nft', [
      'add table ip other; add chain ip other post { type nat hook postrouting priority 100; }; add rule ip other post masquerade',
    ]);
    await host.demand('remove');
    expect((await host.namespace.run('sysctl', ['-n', 'net.ipv4.ip_forward'])).stdout).toBe('1\n');
    expect((await host.demand('ledger')).entries).toEqual([]);
  });

  test('a chain that drops the VM’s traffic is reported with a remedy that works', async () => {
    await using host = await NetworkHost.create();
    const { namespace } = host;
    await namespace.run('nft', [
      'add table ip filter; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; add chain ip filter DOCKER-USER',
    ]);
    await namespace.run('nft', [
      'add table inet strict; add chain inet strict in { type filter hook input priority 0; }; add rule inet strict in iif lo accept; add rule inet strict in counter reject',
    ]);
    const { progress } = await host.demand('ensure');
    expect(progress?.join('\n')).toMatch(/"ip filter FORWARD" may drop.*iptables -I DOCKER-USER -i mobyvm0/);
    const told = progress?.find((line) => line.includes('inet strict in')) ?? '';
    const command = /run: nft (.*)$/.exec(told)?.[1] ?? '';
    expect(command).toBe('insert rule inet strict in iifname mobyvm0 accept');
    await namespace.run('nft', command.split(' '));
    await host.demand('remove', { part: 'firewall' });
    const later = await host.demand('ensure', { part: 'firewall' });
    expect(later.progress?.join('\n')).not.toContain('inet strict');
  });

  test('two instances run side by side on one host', async () => {
    await using host = await NetworkHost.create();
    const other = {
      ledger: `${host.ledger}.other`,
      options: {
        bridge: 'mobyvm1',
        machineId: 'another-machine',
        subnet: { network: '10.0.76.0', prefixLength: 24 },
      },
    };
    await host.demand('ensure');
    const first = await host.snapshot();
    await host.demand('ensure', other);
    const both = await host.demand('ensure');
    expect(both.done?.map(([, change]) => change)).toEqual(['none', 'none', 'none', 'none', 'none']);
    await host.demand('remove', other);
    expect(await host.snapshot()).toEqual(first);
  });
});
