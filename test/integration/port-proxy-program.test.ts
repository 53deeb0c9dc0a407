import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import { ask, listening, PortPeers } from '../support/port-peers.js';

/** The guest's port proxy, as dockerd starts it, with the real publisher on the host. */
let peers: PortPeers;

beforeAll(async () => {
  peers = await PortPeers.create();
  await peers.publisher({ vmPorts: [{ protocol: 'tcp', hostPort: 2376 }] });
  // Replaces docker-proxy: prints its arguments, listens, and only then reports that.
  const proxy = join(peers.folder, 'docker-proxy');
  await writeFile(
    proxy,
    `#!/bin/sh
[ "$2" = tcp ] && type=TCP-LISTEN || type=UDP-RECVFROM
echo "docker-proxy $*" >>${join(peers.folder, 'calls')}
socat "$type:$6,bind=$4,reuseaddr,fork" PIPE 3>&- &
trap 'kill $!; exit' TERM
until ss -Hlntu | grep -q ":$6 "; do sleep 0.05; done
echo 0 >&3
exec 3>&-
wait
`,
  );
  await chmod(proxy, 0o755);
}, 60_000);
afterAll(() => peers[Symbol.asyncDispose](), 60_000);

const until = (title: string, check: () => Promise<boolean>): Promise<void> =>
  waitFor({ title, timeoutSeconds: 20, hint: '', everyMs: 50, check }, new AbortController().signal);

const isOpen = async (place: string): Promise<boolean> => (await listening(peers.host)).includes(place);

describe('a port that the host opens', () => {
  test('is reported as 0 once it is open, and closed before the proxy exits', async () => {
    const proxy = peers.proxy({ 'host-port': 8000 });
    await proxy.line(/^0$/);
    expect(await isOpen('0.0.0.0:8000')).toBe(true);
    expect(await proxy.stop('SIGINT')).toBe(0);
    expect(await isOpen('0.0.0.0:8000')).toBe(false);
    expect(proxy.lines).toEqual(['0']);
  });

  test('on 0.0.0.0 and :: forwards to the same port of the guest', async () => {
    await using four = peers.proxy({ 'host-port': 8001 });
    await four.line(/^0$/);
    await using six = peers.proxy({ 'host-ip': '::', 'host-port': 8001 });
    await six.line(/^0$/);
    await peers.echo(8001);
    expect(await ask(peers.host, 'TCP:127.0.0.1:8001', 'x')).toBe('x');
    expect(await ask(peers.host, 'TCP6:[::1]:8001', 'x')).toBe('x');
    expect(await ask(peers.neighbour, 'UDP:192.0.2.1:8001', 'x')).toBeUndefined();
  });

  test.each([
    ['tcp', '127.0.0.1', 'TCP:127.0.0.1:8002'],
    ['udp', '127.0.0.1', 'UDP:127.0.0.1:8002'],
    ['tcp', '::', 'TCP6:[::1]:8002'],
    ['tcp', '192.0.2.9', 'TCP:192.0.2.9:8002'],
  ])('by %s on %s forwards to a docker-proxy on a port of the guest', async (proto, hostIp, place) => {
    const args = { proto, 'host-ip': hostIp, 'host-port': 8002 };
    await using proxy = peers.proxy(args, { MOBYVM_DOCKER_PROXY: join(peers.folder, 'docker-proxy') });
    await proxy.line(/^0$/);
    expect(await ask(peers.host, place, 'x')).toBe('x');
    if (hostIp === '127.0.0.1') expect(await ask(peers.neighbour, 'TCP:192.0.2.1:8002', 'x')).toBeUndefined();
  });

  test('is requested again after a restart of the host, and left to the audit when the proxy is killed', async () => {
    const own = await peers.publisher({ controlPort: 2399 });
    const env = { MOBYVM_PORT_HOST_PORT: '2399' };
    const proxy = peers.proxy({ 'host-port': 8003 }, env);
    await proxy.line(/^0$/);
    await own.program.stop('SIGKILL');
    const next = await peers.publisher({ controlPort: 2399 });
    await until('the port to be back', () => isOpen('0.0.0.0:8003'));
    await proxy.stop('SIGKILL');
    await next.program.line(/"doubt"/);
    expect(await isOpen('0.0.0.0:8003')).toBe(true);
    const listed = {
      protocol: 'tcp',
      hostIp: '0.0.0.0',
      hostPort: 8003,
      containerPort: 80,
      container: 'web',
    } as const;
    await next.audit(listed);
    expect(await next.list()).toMatchObject([{ container: 'web', state: 'open' }]);
    await next.audit();
    expect(await isOpen('0.0.0.0:8003')).toBe(false);
    await next.program.stop();
  });
});

describe('a port that the host refuses', () => {
  test("is reported with the host's reason, verbatim", async () => {
    const holder = peers.host.start('socat', ['-dd', 'TCP-LISTEN:8010,fork', 'PIPE']);
    await holder.line(/listening/);
    const proxy = peers.proxy({ 'host-port': 8010 });
    expect(await proxy.exit).toBe(1);
    expect(proxy.lines).toEqual([
      '1',
      `Bind for 0.0.0.0:8010 failed: port is already allocated (on the host, by "socat" (pid ${holder.pid}))`,
    ]);
  });

  test.each([
    [{ 'host-ip': '203.0.113.1', 'host-port': 8011 }, 'cannot assign requested address'],
    [{ 'host-port': 2376 }, 'reserved by mobyvm for the VM'],
    [{ proto: 'sctp', 'host-port': 8011 }, 'SCTP ports cannot be published'],
    [{ 'host-port': 0 }, '-host-port cannot be "0"'],
    [{ 'host-ip': 'x"y', 'host-port': 8011 }, '-host-ip cannot be "x"y"'],
  ])('%j: %s', async (args, reason) => {
    const proxy = peers.proxy(args);
    expect(await proxy.exit).toBe(1);
    expect(proxy.lines[0]).toBe('1');
    expect(proxy.lines[1]).toContain(reason);
  });

  test('because the host does not answer is reported within 10 s', async () => {
    const silent = peers.host.start('socat', ['-dd', '-u', 'TCP-LISTEN:2398,fork', 'OPEN:/dev/null']);
    await silent.line(/listening/);
    const begun = performance.now();
    const proxy = peers.proxy({ 'host-port': 8012 }, { MOBYVM_PORT_HOST_PORT: '2398' });
    expect(await proxy.exit).toBe(1);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(proxy.lines[1]).toContain("mobyvm's host does not answer");
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s terminates the proxy at once while it waits',
    async (signal) => {
      const proxy = peers.proxy({ 'host-port': 8013 }, { MOBYVM_PORT_HOST_PORT: '2397' });
      const begun = performance.now();
      await until('it to wait', async () =>
        (await peers.guest.run('ip', ['netns', 'pids', peers.guest.name])).stdout.includes(String(proxy.pid)),
      );
      await proxy.stop(signal);
      expect(performance.now() - begun).toBeLessThan(3_000);
    },
  );
});

test('without a token it becomes docker-proxy', async () => {
  await using proxy = peers.proxy(
    { 'host-ip': '127.0.0.1', 'host-port': 8020 },
    {
      MOBYVM_DOCKER_PROXY: join(peers.folder, 'docker-proxy'),
      MOBYVM_RUN: join(peers.folder, 'nothing'),
    },
  );
  await proxy.line(/^0$/);
  expect(await ask(peers.guest, 'TCP:127.0.0.1:8020', 'x')).toBe('x');
});

test('a descriptor that the engine bound earlier accepts no more connections, and the port works', async () => {
  const bound = createServer().listen(0, '127.0.0.1');
  await once(bound, 'listening');
  const { port } = bound.address() as AddressInfo;
  const { fd } = Reflect.get(bound, '_handle') as { fd: number };
  const words =
    '-proto tcp -host-ip 0.0.0.0 -host-port 8021 -container-ip 172.17.0.2 -container-port 80 -use-listen-fd';
  const command = ['netns', 'exec', peers.guest.name, join(peers.folder, 'port-proxy'), ...words.split(' ')];
  const proxy = spawn('ip', command, {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', fd],
    env: { ...process.env, MOBYVM_RUN: peers.folder },
  });
  const verdict = proxy.stdio[3] as Readable;
  expect(String(((await once(verdict, 'data')) as [Buffer])[0])).toBe('0\n');
  expect(await isOpen('0.0.0.0:8021')).toBe(true);
  const knocking = connect({ host: '127.0.0.1', port });
  await expect(once(knocking, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  proxy.kill('SIGINT');
  expect(await once(proxy, 'exit')).toEqual([0, null]);
  bound.close();
});
