import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeMessage } from '../../src/proxy/dhcp/message.codec.js';
import { ADDRESS, dhcpRequest } from '../support/dhcp-message.js';
import { DhcpNetwork, SERVER_ADDRESS, VM_ADDRESS, VM_MAC } from '../support/dhcp-switch.js';
import { toHex } from '../support/wire-fixture.js';

// By itself perfdhcp plays a relay (giaddr), which we refuse. With templates it plays a client that has its
// address already, so that the answers come to it by unicast.
const discover = dhcpRequest({ 53: [1] }, { from: ADDRESS });
const request = dhcpRequest({ 53: [3], 54: [0, 0, 0, 0], 50: [0, 0, 0, 0] }, { from: ADDRESS });
// Where in the templates stand the transaction id, the last byte of the MAC address, and the options 54 and
// 50.
const OFFSETS = ['-X', '4', '-O', '33', '-S', '249', '-I', '240'];

it('perfdhcp completes each of its exchanges with the fixed lease', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-perfdhcp-'));
  try {
    await using network = await DhcpNetwork.create();
    const server = await network.startServer();
    await network.vm.ip('addr', 'add', `${VM_ADDRESS}/24`, 'dev', 'eth0');
    const templates = [discover, request].map((message, at) => ({
      path: join(folder, `${at}.hex`),
      text: toHex(encodeMessage(message)),
    }));
    for (const { path, text } of templates) await writeFile(path, text);
    const { stdout } = await network.vm.run(
      'perfdhcp',
      [
        ...['-4', '-l', 'eth0', '-L', '68', '-N', '67', '-b', `mac=${VM_MAC}`, '-R', '1', ...OFFSETS],
        ...templates.flatMap(({ path }) => ['-T', path]),
        ...['-n', '60', '-r', '30', '-d', '10', '-W', '3000000', SERVER_ADDRESS],
      ],
      { acceptExitCodes: [0, 3], timeoutMs: 40_000 },
    );
    const [offers, acks] = [...stdout.matchAll(/received packets: (\d+)/g)].map(([, count]) => Number(count));
    expect(offers, stdout).toBeGreaterThanOrEqual(59);
    expect(acks, stdout).toBeGreaterThanOrEqual(59);
    expect(stdout).not.toMatch(/(rejected leases|orphans|Malformed packets): [1-9]/);
    await server.line(/"state":"bound"/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
