import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect, NetworkNamespace } from '../support/netns.js';
import { QemuHost } from '../support/qemu-host/qemu-host.js';

let folder: string;
let namespace: NetworkNamespace;
let host: QemuHost;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mvq-'));
  namespace = await NetworkNamespace.create('windows');
  host = new QemuHost(namespace, folder);
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await namespace[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function call(command: string, parameters: Record<string, unknown>): Promise<readonly object[]> {
  const answer = await host.answer({ command, parameters });
  if (answer.kind !== 'rows') throw new TypeError(JSON.stringify(answer));
  return answer.rows;
}

async function addSwitch(): Promise<void> {
  await call('New-VMSwitch', { Name: 'mobyvm', SwitchType: 'Internal' });
  const { index } = host.simulated.network.adapters.at(-1)!;
  await call('Set-NetIPInterface', { InterfaceIndex: index, Dhcp: 'Disabled' });
  await call('New-NetIPAddress', { InterfaceIndex: index, IPAddress: '10.0.75.1', PrefixLength: 24 });
}

test('a switch with its address and its NAT network is in the namespace, until it is removed', async () => {
  const before = await host.network.devices();
  await addSwitch();
  await call('New-NetNat', { Name: 'mobyvm', InternalIPInterfaceAddressPrefix: '10.0.75.0/24' });
  expect(await namespace.ip('-br', 'addr')).toMatch(/^vEth-mobyvm .* 10\.0\.75\.1\/24/m);
  expect((await namespace.run('nft', ['list', 'ruleset'])).stdout).toContain('10.0.75.0/24 masquerade');
  await call('Remove-NetNat', { Name: 'mobyvm' });
  await call('Remove-VMSwitch', { Name: 'mobyvm' });
  expect(await host.network.devices()).toEqual(before);
  expect((await namespace.run('nft', ['list', 'ruleset'])).stdout).toBe('');
});

test('a disk is one that QEMU can use, and grows', async () => {
  const path = join(folder, 'data.vhdx');
  await call('New-VHD', { Path: path, SizeBytes: 2 ** 30, Dynamic: true });
  await call('Resize-VHD', { Path: path, SizeBytes: 2 ** 31 });
  expect(await call('Get-VHD', { Path: path })).toMatchObject([{ Size: 2 ** 31 }]);
});

test('a share is served to its account while it exists', async () => {
  await addSwitch();
  await using vm = await NetworkNamespace.create('vm');
  await connect(
    { namespace, device: 'port0' },
    { namespace: vm, device: 'eth0', addresses: ['10.0.75.2/24'] },
  );
  await namespace.ip('link', 'set', 'port0', 'master', 'vEth-mobyvm');
  await mkdir(join(folder, 'site'));
  await writeFile(join(folder, 'site/index.html'), 'shared');
  await call('New-LocalUser', { Name: 'mobyvm', Password: 'Secret-1' });
  await call('New-SmbShare', { Name: 'C', Path: join(folder, 'site'), ChangeAccess: ['mobyvm'] });
  const login = join(folder, 'login');
  await writeFile(login, 'username=mobyvm\npassword=Secret-1\n');
  const get = ['-s', '/dev/null', '//10.0.75.1/C', '-A', login, '-c', 'get index.html -'];
  expect((await vm.run('smbclient', get, { cwd: folder })).stdout).toContain('shared');
  await call('Remove-SmbShare', { Name: ['C'] });
  expect(existsSync(join(folder, 'samba'))).toBe(false);
});
