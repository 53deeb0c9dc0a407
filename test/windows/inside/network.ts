import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIP, type AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { basename } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../../src/core/host/index.js';
import { windowsPortFacts } from '../../../src/daemon/windows/port-facts.js';
import { openHandles } from '../../../src/windows/calls/handles.js';
import { registryText } from '../../../src/windows/calls/registry.js';
import { addressChanges, windowsResolution, windowsSockets } from '../../../src/windows/index.js';
import { adapters } from '../../../src/windows/net/adapters.js';
import { describePortFacts } from '../../contract/port-facts.js';

const facts = windowsPortFacts({ sockets: windowsSockets, excludedPorts: () => Promise.resolve([]) });

describePortFacts('Windows', facts);

it('the owner of a port is named by its program', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await facts.owner('tcp', port)).toEqual({ pid: process.pid, name: basename(process.execPath) });
  server.close();
});

it('sockets of IPv6 are listed with their owner', async () => {
  const server = createServer().listen(0, '::1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await windowsSockets.list('tcp')).toContainEqual({ address: '::1', port, pid: process.pid });
  server.close();
  const socket = createSocket('udp6').bind(0, '::');
  await once(socket, 'listening');
  const bound = { address: '*', port: socket.address().port, pid: process.pid };
  expect(await windowsSockets.list('udp')).toContainEqual(bound);
  socket.close();
});

it('the name servers of the host are those that its adapters have', async () => {
  const { servers, searchDomains } = await windowsResolution('vEthernet (mobyvm)');
  for (const server of servers) expect(isIP(server.replace(/%\d+$/, '')), server).not.toBe(0);
  expect(searchDomains).not.toContain('');
});

it('the adapters of the host are named as Node names them', () => {
  const names = adapters().map(({ name }) => name);
  // Node leaves out those without addresses, and we leave out the loopback adapter.
  for (const [name, addresses = []] of Object.entries(networkInterfaces()))
    if (addresses.some(({ internal }) => !internal)) expect(names).toContain(name);
});

it('nothing is in the registry where nothing was set, and a text that was set is found', () => {
  expect(registryText('SOFTWARE\\mobyvm-test', 'missing')).toBeUndefined();
  const version = registryText('SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion', 'CurrentBuild');
  expect(version).toMatch(/^\d+$/);
});

it('changes of addresses can be followed by many, and no longer, without leaving handles behind', async () => {
  await addressChanges().then((changes) => changes.close());
  const before = openHandles();
  const followed = await Promise.all(Array.from({ length: 5 }, () => addressChanges()));
  for (const changes of followed) {
    changes.take();
    changes.close();
    changes.close();
    expect(changes.take()).toBe(false);
  }
  expect(openHandles() - before).toBeLessThanOrEqual(5);
});

it('names that a VPN has a rule for are asked at its servers', async () => {
  const key = 'SYSTEM\\CurrentControlSet\\Services\\Dnscache\\Parameters\\DnsPolicyConfig\\{mobyvm-test}';
  const values = [
    ['Name', 'REG_MULTI_SZ', '.corp.example\\0.lab.example'],
    ['GenericDNSServers', 'REG_SZ', '192.0.2.1; 2001:db8::1'],
    ['ConfigOptions', 'REG_DWORD', '8'],
  ] as const;
  for (const [name, type, data] of values)
    await run('reg', ['add', `HKLM\\${key}`, '/v', name, '/t', type, '/d', data, '/f']);
  expect((await windowsResolution('')).rules).toEqual([
    { names: ['.corp.example', '.lab.example'], servers: ['192.0.2.1', '2001:db8::1'] },
  ]);
  await run('reg', ['delete', `HKLM\\${key}`, '/f']);
  expect((await windowsResolution('')).rules).toEqual([]);
});
