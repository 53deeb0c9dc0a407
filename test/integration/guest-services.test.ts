import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DhcpNetwork, SERVER_ADDRESS, Udhcpc, VM_MAC } from '../support/dhcp-switch.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-guest-services-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

// https://github.com/docker/for-mac/issues/3814
it('the host’s search list reaches the guest, and a changed one with the next renewal', async () => {
  const resolvConf = join(folder, 'resolv.conf');
  const hosts = join(folder, 'hosts');
  await writeFile(resolvConf, 'nameserver 127.0.0.53\nsearch corp.example lab.example\n');
  await writeFile(hosts, '192.0.2.7 intranet.corp.example\n');
  await using network = await DhcpNetwork.create();
  const services = await network.host.startNode('guest-services.mjs', {
    ...{ mac: VM_MAC, resolvConf, hosts },
    subnet: { network: '10.0.75.0', prefixLength: 24 },
  });
  await services.line(/"event":"ready"/);
  await using client = await Udhcpc.start(network.vm, '-O', 'search', '-O', 'mtu');
  expect(await client.event('bound')).toMatchObject({
    search: 'corp.example lab.example',
    domain: 'mobyvm.internal',
    dns: SERVER_ADDRESS,
  });
  const { stdout } = await network.vm.run('dig', [`@${SERVER_ADDRESS}`, '+short', 'intranet.corp.example']);
  expect(stdout.trim()).toBe('192.0.2.7');

  await writeFile(resolvConf, 'nameserver 127.0.0.53\nsearch home.example\n');
  await services.line(/"name":"dns\.upstream\.changed".*home\.example/);
  client.signal('SIGUSR1');
  expect(await client.event('renew')).toMatchObject({ search: 'home.example' });

  services.send('close');
  await services.line(/"event":"closed"/);
});
