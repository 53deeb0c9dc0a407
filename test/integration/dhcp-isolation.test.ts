import { describe, expect, it } from 'vitest';
import { DHCP_OPTIONS, DhcpNetwork, Udhcpc, VM_ADDRESS, VM_MAC } from '../support/dhcp-switch.js';
import type { RunningProgram } from '../support/netns.js';

const OTHER_SERVER = [
  ...[
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--user=root',
    '--port=0',
    '--leasefile-ro',
  ],
  ...['--interface=lan0', '--bind-interfaces', '--dhcp-range=192.168.50.100,192.168.50.200,1h', '--log-dhcp'],
  '--log-facility=-',
];

describe('the DHCP server beside other interfaces', () => {
  it('does not answer clients there', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await using client = await Udhcpc.start(network.stranger, '-n', '-t', '2', '-T', '1');
    expect(await client.program.exit).toBe(1);
    await server.line(/dhcp\.message\.ignored/);
  });

  it('answers only on the switch, even a client elsewhere with the VM’s MAC address', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await network.stranger.ip('link', 'set', 'eth0', 'address', VM_MAC);
    await using client = await Udhcpc.start(network.stranger, '-n', '-t', '2', '-T', '1');
    expect(await client.program.exit).toBe(1);
    await server.line(/dhcp\.answer\.sent/);
    await using honest = await Udhcpc.start(network.vm);
    expect((await honest.event('bound'))['ip']).toBe(VM_ADDRESS);
  });

  it.each(['before', 'after'])('coexists with a dnsmasq that was started %s it', async (order) => {
    await using network = await DhcpNetwork.create();
    if (order === 'after') await network.startServer();
    const other = network.host.start('dnsmasq', OTHER_SERVER);
    await other.line(/DHCP, IP range/);
    if (order === 'before') await network.startServer();
    await using stranger = await Udhcpc.start(network.stranger);
    await using vm = await Udhcpc.start(network.vm);
    expect((await stranger.event('bound'))['ip']).toMatch(/^192\.168\.50\./);
    expect((await vm.event('bound'))['ip']).toBe(VM_ADDRESS);
  });
});

describe('a DHCP server that cannot start', () => {
  it('names the program that uses the port on all addresses', async () => {
    await using network = await DhcpNetwork.create();
    const rival = network.host.start('socat', ['-dd', '-u', 'UDP4-RECV:67', 'STDOUT']);
    await rival.line(/starting data transfer/);
    const failure = await failureOf(await start(network));
    expect(failure['code']).toBe('MOBYVM_PORT_IN_USE');
    expect(failure['message']).toContain(`"socat" (pid ${rival.pid})`);
  });

  it('names the daemon that already serves the same switch', async () => {
    await using network = await DhcpNetwork.create();
    const first = await network.startServer();
    const failure = await failureOf(await start(network));
    expect(failure['code']).toBe('MOBYVM_PORT_IN_USE');
    expect(failure['message']).toContain(`"node" (pid ${first.pid})`);
  });

  it('reports that the switch’s address is missing', async () => {
    await using network = await DhcpNetwork.create();
    await network.host.ip('addr', 'flush', 'dev', 'mobyvm0');
    expect((await failureOf(await start(network)))['code']).toBe('MOBYVM_DHCP_SERVER');
  });
});

describe('the DHCP server', () => {
  it('closes its sockets', async () => {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    server.send('close');
    await server.line(/"event":"closed"/);
    await network.startServer();
  });
});

function start(network: DhcpNetwork): Promise<RunningProgram> {
  return network.host.startNode('dhcp-server.mjs', DHCP_OPTIONS);
}

async function failureOf(server: RunningProgram): Promise<Record<string, unknown>> {
  return JSON.parse(await server.line(/"event":"failed"/)) as Record<string, unknown>;
}
