import { chmod, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import { connect, NetworkNamespace } from '../support/netns.js';
import { ask, CONTAINER, HOST, listening, PortPeers, type PublisherProgram } from '../support/port-peers.js';

/** The guest's port proxy, as dockerd starts it, with the real publisher on the host. */
let peers: PortPeers;
let publisher: PublisherProgram;

beforeAll(async () => {
  peers = await PortPeers.create();
  publisher = await peers.publisher({ vmPorts: [{ protocol: 'tcp', hostPort: 2376 }] });
  // Stands for what is started when there is no host.
  const proxy = join(peers.folder, 'docker-proxy');
  await writeFile(proxy, '#!/bin/sh\necho "docker-proxy $*"\n');
  await chmod(proxy, 0o755);
});
afterAll(() => peers[Symbol.asyncDispose]());

const until = (title: string, check: () => Promise<boolean>): Promise<void> =>
  waitFor({ title, timeoutSeconds: 120, hint: '', everyMs: 50, check }, new AbortController().signal);

const isOpen = async (place: string): Promise<boolean> => (await listening(peers.host)).includes(place);

/** The relay ports that lead somewhere. */
async function relays(proto: 'tcp' | 'udp'): Promise<string[]> {
  const { stdout } = await peers.guest.run('nft', ['list', 'map', 'ip', 'mobyvm_relay', `${proto}_relays`]);
  return [...stdout.matchAll(/(\d+) : [\d.]+ \. \d+/g)].map(([, port = '']) => port);
}

/** The ports of the host's addresses that are served in the guest. */
async function hairpins(proto: 'tcp' | 'udp'): Promise<string[]> {
  const { stdout } = await peers.guest.run('nft', ['list', 'map', 'ip', 'mobyvm_relay', `${proto}_hairpins`]);
  return [...stdout.matchAll(/[\d.]+ \. (\d+) : /g)].map(([, port = '']) => port);
}

/** Whether the process handles that signal itself. */
async function catches(pid: number, signal: 'SIGINT' | 'SIGTERM'): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return ((caught >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}

/** Everything but the requests of the port proxy. */
const REFUSE_GUEST =
  'add table ip guard; add chain ip guard in { type filter hook input priority filter; }; add rule ip guard in iifname switch0 tcp dport != 2374 ct state new drop; add rule ip guard in iifname switch0 udp dport 1-65535 drop';

describe('a connection from the guest', () => {
  // https://github.com/docker/for-mac/issues/3611
  test.each([
    ['tcp', '0.0.0.0', 'TCP:127.0.0.1:8030'],
    ['tcp', '0.0.0.0', 'TCP:10.0.75.2:8030'],
    ['tcp', '127.0.0.1', 'TCP:127.0.0.1:8030'],
    ['tcp', '::', 'TCP6:[::1]:8030'],
    ['udp', '0.0.0.0', 'UDP-CONNECT:127.0.0.2:8030'],
    ['udp', '0.0.0.0', 'UDP-CONNECT:10.0.75.2:8030'],
    ['udp', '127.0.0.1', 'UDP-CONNECT:127.0.0.1:8030'],
    ['udp', '::', 'UDP6:[::1]:8030'],
  ] as const)('reaches a %s port on %s at %s', async (proto, hostIp, place) => {
    await using container = peers.echoAt(CONTAINER, 80, proto);
    await until('the container', () => peers.serves(`${CONTAINER}:80`, proto));
    await using proxy = peers.proxy({ proto, 'host-ip': hostIp, 'host-port': 8030 });
    await proxy.line(/^0$/);
    for (const text of ['x', 'y'.repeat(60_000)])
      expect(await ask(peers.guest, place, text)).toHaveLength(text.length);
    await proxy.stop();
    expect(await ask(peers.guest, place, 'x')).toBeUndefined();
    await container.stop();
  });

  test('may be many connections, which end with the port', async () => {
    await using container = peers.echoAt(CONTAINER, 80);
    await container.line(/listening/);
    await using proxy = peers.proxy({ 'host-port': 8031 });
    await proxy.line(/^0$/);
    const clients = Array.from({ length: 40 }, () => peers.guest.start('socat', ['-', 'TCP:127.0.0.1:8031']));
    for (const client of clients) client.send('here');
    for (const client of clients) await client.line(/here/);
    await proxy.stop();
    for (const client of clients) await client.exit;
    await container.stop();
  });

  test('is refused as the container refuses it, and the port still answers afterwards', async () => {
    await using proxy = peers.proxy({ 'host-port': 8032 });
    await proxy.line(/^0$/);
    expect(await ask(peers.guest, 'TCP:127.0.0.1:8032', 'x')).toBeUndefined();
    await using container = peers.echoAt(CONTAINER, 80);
    await container.line(/listening/);
    expect(await ask(peers.guest, 'TCP:127.0.0.1:8032', 'x')).toBe('x');
    await container.stop();
  });

  test('is not served if the guest uses the port itself, but the host still has it', async () => {
    const own = peers.guest.start('socat', [
      '-dd',
      'TCP-LISTEN:8033,bind=127.0.0.1,fork',
      'SYSTEM:cat >/dev/null; echo own',
    ]);
    await own.line(/listening/);
    await using proxy = peers.proxy({ 'host-ip': '127.0.0.1', 'host-port': 8033 });
    await proxy.line(/^0$/);
    expect(await ask(peers.guest, 'TCP:127.0.0.1:8033', 'x')).toBe('own\n');
    expect(await isOpen('127.0.0.1:8033')).toBe(true);
    await own.stop();
  });
});

describe('a connection to an address of the host, from the guest or one of its networks', () => {
  let container: NetworkNamespace;
  beforeAll(async () => {
    container = await NetworkNamespace.create('container');
    await connect(
      { namespace: peers.guest, device: 'br0', addresses: ['172.20.0.1/24'] },
      { namespace: container, device: 'eth0', addresses: ['172.20.0.2/24'] },
    );
    await peers.guest.ip('route', 'add', 'default', 'via', HOST);
    await container.ip('route', 'add', 'default', 'via', '172.20.0.1');
  });
  afterAll(async () => {
    await container[Symbol.asyncDispose]();
    await peers.guest.ip('route', 'delete', 'default');
  });

  test.each([
    ['tcp', '0.0.0.0', `TCP:${HOST}:8040`],
    ['tcp', '127.0.0.1', `TCP:${HOST}:8040`],
    ['tcp', '192.0.2.9', 'TCP:192.0.2.9:8040'],
    ['udp', '0.0.0.0', `UDP-CONNECT:${HOST}:8040`],
    ['udp', '127.0.0.1', `UDP-CONNECT:${HOST}:8040`],
  ] as const)('reaches a %s port on %s without leaving the guest', async (proto, hostIp, place) => {
    await using echo = peers.echoAt(CONTAINER, 80, proto);
    await until('the container', () => peers.serves(`${CONTAINER}:80`, proto));
    await using proxy = peers.proxy({ proto, 'host-ip': hostIp, 'host-port': 8040 });
    await proxy.line(/^0$/);
    // What left the guest would be dropped.
    await peers.host.run('nft', [REFUSE_GUEST]);
    for (const from of [peers.guest, container]) expect(await ask(from, place, 'hello')).toBe('hello');
    await proxy.stop();
    expect(await hairpins(proto)).toEqual([]);
    await peers.host.run('nft', ['delete', 'table', 'ip', 'guard']);
    await echo.stop();
  });

  test.each(['::', '::1', '127.0.0.2'])('is not taken for a port on %s', async (hostIp) => {
    await using proxy = peers.proxy({ 'host-ip': hostIp, 'host-port': 8041 });
    await proxy.line(/^0$/);
    expect(await hairpins('tcp')).toEqual([]);
  });

  test('follows a proxy that was killed, and leads to the next one', async () => {
    await using echo = peers.echoAt(CONTAINER, 80);
    await until('the container', () => peers.serves(`${CONTAINER}:80`, 'tcp'));
    const killed = peers.proxy({ 'host-port': 8042 });
    await killed.line(/^0$/);
    await killed.stop('SIGKILL');
    await using proxy = peers.proxy({ 'host-port': 8042 });
    await proxy.line(/^0$/);
    await until('the next proxy', async () => (await ask(container, `TCP:${HOST}:8042`, 'x')) === 'x');
    await echo.stop();
  });

  test("is left to a server of mobyvm's own", async () => {
    await publisher.makeWay({ protocol: 'tcp', hostPort: 8043, name: 'the server' });
    await using proxy = peers.proxy({ 'host-ip': '127.0.0.1', 'host-port': 8043 });
    await proxy.line(/^0$/);
    expect(await hairpins('tcp')).toEqual([]);
    await publisher.makeWay();
  });
});

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
    await using container = peers.echoAt(CONTAINER, 80);
    await container.line(/listening/);
    expect(await ask(peers.host, 'TCP:127.0.0.1:8001', 'x')).toBe('x');
    expect(await ask(peers.host, 'TCP6:[::1]:8001', 'x')).toBe('x');
    expect(await ask(peers.neighbour, 'UDP:192.0.2.1:8001', 'x')).toBeUndefined();
    await container.stop();
  });

  test.each([
    ['tcp', '127.0.0.1', 'TCP:127.0.0.1:8002'],
    ['udp', '127.0.0.1', 'UDP:127.0.0.1:8002'],
    ['tcp', '::', 'TCP6:[::1]:8002'],
    ['tcp', '192.0.2.9', 'TCP:192.0.2.9:8002'],
  ] as const)('by %s on %s leads to its container by a relay port', async (proto, hostIp, place) => {
    await using container = peers.echoAt(CONTAINER, 80, proto);
    await until('the container', () => peers.serves(`${CONTAINER}:80`, proto));
    const args = { proto, 'host-ip': hostIp, 'host-port': 8002 };
    await using proxy = peers.proxy(args);
    await proxy.line(/^0$/);
    expect(await ask(peers.host, place, 'x')).toBe('x');
    if (hostIp === '127.0.0.1') expect(await ask(peers.neighbour, 'TCP:192.0.2.1:8002', 'x')).toBeUndefined();
    expect(await relays(proto)).toHaveLength(1);
    await proxy.stop();
    expect(await relays(proto)).toEqual([]);
    await container.stop();
  });

  test.each(['tcp', 'udp'] as const)(
    'by %s leads to a container with an IPv6 address only',
    async (proto) => {
      await peers.guest.ip('addr', 'replace', 'fd00::2/128', 'dev', 'lo');
      await using container = peers.echoAt('[fd00::2]', 80, proto);
      await until('the container', () => peers.serves('[fd00::2]:80', proto));
      await using proxy = peers.proxy({
        proto,
        'host-ip': '::',
        'host-port': 8005,
        'container-ip': 'fd00::2',
      });
      await proxy.line(/^0$/);
      const place = proto === 'tcp' ? 'TCP6' : 'UDP6';
      expect(await ask(peers.host, `${place}:[::1]:8005`, 'x'.repeat(60_000))).toHaveLength(60_000);
      await container.stop();
    },
  );

  test('on 127.0.0.1 is not in the way of a later one on whatever port the guest uses for it', async () => {
    await using container = peers.echoAt(CONTAINER, 80);
    await container.line(/listening/);
    await using local = peers.proxy({ 'host-ip': '127.0.0.1', 'host-port': 8006 });
    await local.line(/^0$/);
    const [relay = ''] = await relays('tcp');
    // What dockerd's rules do for a port that is published on all addresses.
    await peers.guest.run('nft', ['-f', '-'], {
      input: `
        add table ip planted
        add chain ip planted docker { type nat hook prerouting priority dstnat; }
        add rule ip planted docker fib daddr type local tcp dport ${relay} dnat to ${CONTAINER}:81
      `,
    });
    await using other = peers.echoAt(CONTAINER, 81, 'tcp', 'SYSTEM:cat >/dev/null; echo other');
    await other.line(/listening/);
    await using later = peers.proxy({ 'host-port': Number(relay), 'container-port': 81 });
    await later.line(/^0$/);
    expect(await ask(peers.host, `TCP:127.0.0.1:8006`, 'x')).toBe('x');
    expect(await ask(peers.host, `TCP:127.0.0.1:${relay}`, 'x')).toBe('other\n');
    await peers.guest.run('nft', ['delete', 'table', 'ip', 'planted']);
    for (const program of [container, other]) await program.stop();
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
    [{ proto: 'sctp', 'host-port': 8011 }, 'SCTP ports cannot be published'],
    [{ 'host-port': 0 }, '-host-port cannot be "0"'],
    [{ 'host-ip': 'x"y', 'host-port': 8011 }, '-host-ip cannot be "x"y"'],
  ])('%j: %s', async (args, reason) => {
    const proxy = peers.proxy(args);
    expect(await proxy.exit).toBe(1);
    // Some reasons go to standard error as well, whose lines may come first.
    expect(proxy.lines).toContain('1');
    expect(proxy.lines.join('\n')).toContain(reason);
  });

  test('because the host does not answer is reported in the end', async () => {
    const silent = peers.host.start('socat', ['-dd', '-u', 'TCP-LISTEN:2398,fork', 'OPEN:/dev/null']);
    await silent.line(/listening/);
    const proxy = peers.proxy({ 'host-port': 8012 }, { MOBYVM_PORT_HOST_PORT: '2398' });
    expect(await proxy.exit).toBe(1);
    expect(proxy.lines[1]).toContain("mobyvm's host does not answer");
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s interrupts the proxy while it waits for the host',
    async (signal) => {
      const proxy = peers.proxy({ 'host-port': 8013 }, { MOBYVM_PORT_HOST_PORT: '2397' });
      await until('it to wait', () => catches(proxy.pid, signal));
      expect(await proxy.stop(signal)).toBe(1);
      expect(proxy.lines).toEqual(['1', 'interrupted']);
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
  await proxy.line(/^docker-proxy -proto tcp -host-ip 127\.0\.0\.1 -host-port 8020 /);
});

test.each([
  ['0.0.0.0', 'x'],
  ['192.0.2.9', undefined],
])('a descriptor that the engine bound earlier serves the guest if it is for %s', async (hostIp, answer) => {
  const container = peers.echoAt(CONTAINER, 80);
  await container.line(/listening/);
  const script = `import os, socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 8021))
os.dup2(listener.fileno(), 4)
os.dup2(1, 3)
os.execv(sys.argv[1], sys.argv[1:])`;
  const words = `-proto tcp -host-ip ${hostIp} -host-port 8021 -container-ip ${CONTAINER} -container-port 80 -use-listen-fd`;
  const command = ['-c', script, join(peers.folder, 'port-proxy'), ...words.split(' ')];
  await using proxy = peers.guest.start('python3', command, { MOBYVM_RUN: peers.folder });
  await proxy.line(/^0$/);
  expect(await isOpen(`${hostIp}:8021`)).toBe(true);
  expect(await ask(peers.guest, 'TCP:127.0.0.1:8021', 'x')).toBe(answer);
  expect(await proxy.stop('SIGINT')).toBe(0);
  await container.stop();
});
