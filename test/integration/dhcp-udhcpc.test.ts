import { describe, expect, it } from 'vitest';
import { DhcpNetwork, Udhcpc, VM_ADDRESS, VM_MAC } from '../support/dhcp-switch.js';
import { leftoverNamespaces, type RunningProgram } from '../support/netns.js';

describe('busybox udhcpc in the VM', () => {
  it('gets the fixed lease with every option that it requests', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await using client = await Udhcpc.start(network.vm, '-O', 'mtu', '-O', 'search');
    expect(await client.event('bound')).toMatchObject({
      ip: VM_ADDRESS,
      subnet: '255.255.255.0',
      router: '10.0.75.1',
      dns: '10.0.75.1',
      hostname: 'moby',
      domain: 'mobyvm.internal',
      search: 'mobyvm.internal corp.example',
      mtu: '1480',
      broadcast: '10.0.75.255',
      lease: '3600',
      serverid: '10.0.75.1',
      opt58: '00000708',
      opt59: '00000c4e',
    });
    await server.line(/"event":"discover"/);
    expect(await server.line(/"event":"lease"/)).toContain('"state":"bound"');
    expect(await network.vm.ip('-o', 'addr', 'show', 'dev', 'eth0')).toContain(`${VM_ADDRESS}/24`);
  });

  it('renews by unicast, and releases the lease', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await using client = await Udhcpc.start(network.vm);
    await client.event('bound');
    client.signal('SIGUSR1');
    await client.event('renew');
    await client.program.line(/sending renew to server 10\.0\.75\.1/);
    client.signal('SIGUSR2');
    await server.line(/"state":"released"/);
    expect((await leaseOf(server))['state']).toBe('released');
  });

  it('learns of a changed search list, MTU and time servers when it renews', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await using client = await Udhcpc.start(network.vm, '-O', 'mtu', '-O', 'search', '-O', 'ntpsrv');
    expect((await client.event('bound'))['ntpsrv']).toBeUndefined();
    const domainSearch = ['corp.example', 'lab.corp.example', 'no such.'.repeat(40), 'lab.corp.example.net'];
    server.send(`offer ${JSON.stringify({ domainSearch, mtuBytes: 1280, ntpServers: ['192.0.2.7'] })}`);
    await server.line(/"event":"offered"/);
    client.signal('SIGUSR1');
    expect(await client.event('renew')).toMatchObject({
      search: 'corp.example lab.corp.example lab.corp.example.net',
      mtu: '1280',
      ntpsrv: '192.0.2.7',
    });
  });

  it('keeps its lease when the clock of the host jumps', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await using client = await Udhcpc.start(network.vm);
    await client.event('bound');
    server.send('jump');
    await server.line(/"event":"jumped"/);
    expect((await leaseOf(server))['state']).toBe('bound');
    client.signal('SIGUSR1');
    await client.event('renew');
    expect((await leaseOf(server))['state']).toBe('bound');
  });

  it('gets its address again after the server was blocked for longer than the lease', async () => {
    await using network = await DhcpNetwork.create();
    // The shortest that udhcpc takes.
    const server = await network.startServer({ leaseSeconds: 16 });
    await using client = await Udhcpc.start(network.vm, '-A', '1', '-T', '1');
    await client.event('bound');
    const runs = (await client.events()).length;
    process.kill(server.pid, 'SIGSTOP');
    await client.event('deconfig', runs);
    process.kill(server.pid, 'SIGCONT');
    expect((await client.event('bound', runs))['ip']).toBe(VM_ADDRESS);
    expect((await leaseOf(server))['state']).toBe('bound');
  }, 120_000);

  it('keeps its lease across a restart of the server', async () => {
    await using network = await DhcpNetwork.create();
    const first = await network.startServer();
    await using client = await Udhcpc.start(network.vm);
    await client.event('bound');
    await first.stop();
    const second = await network.startServer();
    expect((await leaseOf(second))['state']).toBe('free');
    client.signal('SIGUSR1');
    await client.event('renew');
    expect((await leaseOf(second))['state']).toBe('bound');
  });

  it('gets a NAK for its old address after a change, and then the new one', async () => {
    await using network = await DhcpNetwork.create();
    const first = await network.startServer();
    await using client = await Udhcpc.start(network.vm);
    await client.event('bound');
    await first.stop();
    const lease = { mac: VM_MAC, address: '10.0.75.9', hostname: 'moby' };
    const second = await network.startServer({ lease });
    const runs = (await client.events()).length;
    client.signal('SIGUSR1');
    await second.line(/dhcp\.request\.refused/);
    expect((await client.event('bound', runs))['ip']).toBe('10.0.75.9');
  });

  it('with another MAC address gets no lease, and is logged once', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await network.vm.ip('link', 'set', 'eth0', 'address', '02:00:00:00:00:99');
    await using client = await Udhcpc.start(network.vm, '-n', '-t', '3', '-T', '1');
    expect(await client.program.exit).toBe(1);
    const ignored = server.lines.filter((line) => line.includes('dhcp.message.ignored'));
    expect(ignored).toHaveLength(1);
    expect(ignored[0]).toContain('02:00:00:00:00:99');
  });

  it('leaves nothing behind', async () => {
    expect(await leftoverNamespaces()).toEqual([]);
  });
});

async function leaseOf(server: RunningProgram): Promise<Record<string, unknown>> {
  const from = server.lines.length;
  server.send('leases');
  const line = await server.line(/"event":"leases"/, 120, from);
  const { leases } = JSON.parse(line) as { leases: Record<string, unknown>[] };
  return leases[0] ?? {};
}
