import { describe, expect, it } from 'vitest';
import { NetworkNamespace } from '../support/netns.js';

/** What `mobyvm doctor` says of a host whose ports others have: a namespace stands in for the host. */
async function portsOf(host: NetworkNamespace): Promise<unknown> {
  const program = await host.startNode('judge-ports.mjs', { address: '10.0.75.1' });
  return JSON.parse(await program.line(/verdict/)) as unknown;
}

async function startDnsmasq(host: NetworkNamespace, ...args: readonly string[]): Promise<void> {
  const common = [
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--user=root',
    '--no-hosts',
  ];
  const server = host.start('dnsmasq', [...common, '--no-resolv', '--log-facility=-', ...args]);
  await server.line(/dnsmasq(-dhcp)?\[\d+\]: (started|DHCP)/);
}

describe('the ports that mobyvm needs', () => {
  it('are free on a host with a local resolver on loopback', async () => {
    await using host = await NetworkNamespace.create('host');
    await startDnsmasq(host, '--listen-address=127.0.0.53', '--bind-interfaces');
    expect(await portsOf(host)).toMatchObject({ verdict: 'fine' });
  });

  it('are a problem if a program uses one on all addresses, and doctor names it', async () => {
    await using host = await NetworkNamespace.create('host');
    await startDnsmasq(host);
    expect(await portsOf(host)).toMatchObject({
      verdict: 'problem',
      detail: expect.stringMatching(/^"dnsmasq" \(pid \d+\) uses UDP port 53 on all addresses/) as string,
      remedy: expect.stringContaining('10.0.75.1') as string,
    });
  });

  it('may be shared by another DHCP server', async () => {
    await using host = await NetworkNamespace.create('host');
    await host.addBridge('lan0', ['192.0.2.1/24']);
    const range = '--dhcp-range=192.0.2.50,192.0.2.60';
    await startDnsmasq(host, '--port=0', '--interface=lan0', range, '--dhcp-leasefile=/dev/null');
    expect(await portsOf(host)).toMatchObject({
      verdict: 'notice',
      detail: expect.stringMatching(/UDP port 67 on all addresses/) as string,
    });
  });
});
