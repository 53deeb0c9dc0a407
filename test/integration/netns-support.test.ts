import { expect, test } from 'vitest';
import { compiledSource } from '../support/compiled.js';
import { connect, leftoverNamespaces, NetworkNamespace } from '../support/netns.js';

test('two connected namespaces reach each other, and disposing them leaves nothing behind', async () => {
  {
    await using host = await NetworkNamespace.create('host');
    await using guest = await NetworkNamespace.create('guest');
    await connect(
      { namespace: host, device: 'eth0', addresses: ['10.9.8.1/24'] },
      { namespace: guest, device: 'eth0', addresses: ['10.9.8.2/24'], mac: '02:00:00:00:00:07' },
    );
    const listener = guest.start('socat', ['-u', 'TCP-LISTEN:7000,reuseaddr', 'STDOUT']);
    const sender = host.start('socat', ['-u', 'STDIN', 'TCP:10.9.8.2:7000,retry=50,interval=0.1']);
    sender.send('hello');
    expect(await listener.line(/hello/)).toBe('hello');
  }
  expect(await leftoverNamespaces()).toEqual([]);
});

test('the compiled sources are importable by a plain node', async () => {
  await using host = await NetworkNamespace.create('host');
  const code = `const {parseMac} = await import(${JSON.stringify(`${await compiledSource()}/core/values/index.js`)}); console.log(parseMac('02-00-0A-00-4B-02'));`;
  const { stdout } = await host.run(process.execPath, ['--input-type=module', '-e', code]);
  expect(stdout).toBe('02:00:0a:00:4b:02\n');
});

test('a new namespace has the kernel defaults, whatever the settings of the machine', async () => {
  await using host = await NetworkNamespace.create('host');
  const names = ['net.ipv4.ip_forward', 'net.ipv4.conf.all.rp_filter', 'net.ipv4.conf.default.rp_filter'];
  expect((await host.run('sysctl', ['-n', ...names])).stdout).toBe('0\n0\n0\n');
});
