import { afterEach, beforeAll, afterAll, describe, expect, test } from 'vitest';
import { run, waitFor } from '../../src/core/host/index.js';
import type { ListedPort } from '../../src/proxy/port/index.js';
import { compiledSource } from '../support/compiled.js';
import { ask, CONTAINER, listening, PortPeers, type PublisherProgram } from '../support/port-peers.js';
import type { RunningProgram } from '../support/netns-program.js';

/** The publisher with real listeners in namespaces, and requests from the guest's real port proxy. */
let peers: PortPeers;
let publisher: PublisherProgram;

beforeAll(async () => {
  await compiledSource();
  peers = await PortPeers.create();
}, 240_000);
afterAll(() => peers[Symbol.asyncDispose]());
afterEach(async () => {
  await publisher.program.stop();
});

const until = (title: string, check: () => Promise<boolean>): Promise<void> =>
  waitFor({ title, timeoutSeconds: 120, hint: '', everyMs: 50, check }, new AbortController().signal);

async function publish(args: Readonly<Record<string, string | number>>): Promise<RunningProgram> {
  const proxy = peers.proxy(args);
  await proxy.line(/^[01]$/);
  return proxy;
}

async function listenersOn(port: number, protocol?: '-u'): Promise<string[]> {
  return (await listening(peers.host, protocol)).filter((listener) => listener.endsWith(`:${port}`)).sort();
}

const web = (hostIp: string, hostPort: number, container = 'web'): ListedPort => ({
  protocol: 'tcp',
  hostIp,
  hostPort,
  containerPort: 80,
  container,
});

describe('addresses', () => {
  test('127.0.0.1 adds ::1, which is released when another container publishes on it', async () => {
    publisher = await peers.publisher();
    await publisher.audit(web('127.0.0.1', 8300));
    expect(await listenersOn(8300)).toEqual(['127.0.0.1:8300', '[::1]:8300']);
    await publisher.audit(web('127.0.0.1', 8300), web('::1', 8300, 'other'));
    expect(await publisher.list()).toMatchObject([
      { hostIp: '127.0.0.1', state: 'waiting' },
      { hostIp: '::1', container: 'other' },
    ]);
    expect(await listenersOn(8300)).toEqual(['127.0.0.1:8300', '[::1]:8300']);
    await publisher.audit(web('127.0.0.1', 8300));
    await publisher.audit();
    expect(await listenersOn(8300)).toEqual([]);
  });

  test('all addresses mean loopback when ports are exposed to localhost', async () => {
    publisher = await peers.publisher({ exposure: 'localhost' });
    await publisher.audit(web('0.0.0.0', 8301), web('::', 8301));
    expect(await listenersOn(8301)).toEqual(['127.0.0.1:8301', '[::1]:8301']);
  });

  test('UDP on all addresses answers from the one that was asked, including new ones', async () => {
    publisher = await peers.publisher();
    await peers.echo(8302);
    await using proxy = await publish({ proto: 'udp', 'host-port': 8302 });
    expect(proxy.lines).toEqual(['0']);
    // socat takes answers of the address only that it has sent to.
    for (const address of ['192.0.2.1', '192.0.2.9'])
      expect(await ask(peers.neighbour, `UDP-CONNECT:${address}:8302`, 'x'.repeat(65_507))).toHaveLength(
        65_507,
      );
    await peers.host.ip('addr', 'add', '192.0.2.10/24', 'dev', 'out0');
    await publisher.audit({ ...web('0.0.0.0', 8302), protocol: 'udp' });
    expect(await ask(peers.neighbour, 'UDP-CONNECT:192.0.2.10:8302', 'x')).toBe('x');
  });

  test('a host without IPv6 publishes [::] without a listener', async () => {
    await peers.host.run('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
    try {
      publisher = await peers.publisher();
      await using four = await publish({ 'host-port': 8303 });
      await using six = await publish({ 'host-ip': '::', 'host-port': 8303 });
      expect([four.lines, six.lines]).toEqual([['0'], ['0']]);
      await using proxy = await publish({ 'host-port': 8304 });
      expect(proxy.lines).toEqual(['0']);
      expect(await listenersOn(8303)).toContain('0.0.0.0:8303');
    } finally {
      await peers.host.run('sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=0']);
    }
  });
});

describe('UDP on all addresses', () => {
  // https://github.com/moby/moby/issues/33088
  test('is answered from another loopback address as well', async () => {
    publisher = await peers.publisher();
    await peers.echo(8340);
    await using proxy = await publish({ proto: 'udp', 'host-port': 8340 });
    expect(proxy.lines).toEqual(['0']);
    for (const text of ['first', 'second'])
      expect(await ask(peers.host, 'UDP-CONNECT:127.0.0.2:8340', text)).toBe(text);
    expect(await ask(peers.host, 'UDP-CONNECT:127.0.0.1:8340', 'x')).toBe('x');
    expect(await listenersOn(8340, '-u')).toContain('127.0.0.2:8340');
    await publisher.audit({ ...web('0.0.0.0', 8340), protocol: 'udp' });
    expect(await listenersOn(8340, '-u')).toContain('127.0.0.2:8340');
    await proxy.stop();
    expect(await listenersOn(8340, '-u')).toEqual([]);
  });

  test('stays open when another program has the port of an address that came later', async () => {
    publisher = await peers.publisher();
    await peers.echo(8343);
    await using proxy = await publish({ proto: 'udp', 'host-port': 8343 });
    expect(proxy.lines).toEqual(['0']);
    await peers.host.ip('addr', 'add', '192.0.2.11/24', 'dev', 'out0');
    const holder = peers.host.start('socat', [
      '-dd',
      'UDP-RECVFROM:8343,bind=192.0.2.11,reuseaddr,fork',
      'PIPE',
    ]);
    await until('the holder', async () => (await listenersOn(8343, '-u')).includes('192.0.2.11:8343'));
    await publisher.audit({ ...web('0.0.0.0', 8343), protocol: 'udp' });
    expect(await publisher.list()).toMatchObject([{ state: 'open' }]);
    expect(await ask(peers.neighbour, 'UDP-CONNECT:192.0.2.1:8343', 'x')).toBe('x');
    await holder.stop();
    await peers.host.ip('addr', 'del', '192.0.2.11/24', 'dev', 'out0');
  });

  // https://github.com/moby/moby/issues/37460
  test.each(['192.0.2.255', '255.255.255.255'])(
    'gets broadcasts to %s, and answers them',
    async (address) => {
      publisher = await peers.publisher();
      await peers.echo(8341);
      await using proxy = await publish({ proto: 'udp', 'host-port': 8341 });
      expect(proxy.lines).toEqual(['0']);
      const place = `UDP-DATAGRAM:${address}:8341,broadcast,bind=192.0.2.2,so-bindtodevice=out0`;
      expect(await ask(peers.neighbour, place, 'hello')).toBe('hello');
    },
  );

  test.each(['', ',reuseaddr'])('does not share its port with another program%s', async (option) => {
    publisher = await peers.publisher();
    const holder = peers.host.start('socat', ['-dd', `UDP-RECVFROM:8342${option},fork`, 'PIPE']);
    await until('the holder', async () => (await listenersOn(8342, '-u')).length === 1);
    await using proxy = await publish({ proto: 'udp', 'host-port': 8342 });
    await proxy.exit;
    expect(proxy.lines[1]).toContain(`(on the host, by "socat" (pid ${holder.pid}))`);
    await holder.stop();
  });
});

describe("a server of mobyvm's own at the switch's address", () => {
  const dns = [
    { protocol: 'tcp', hostPort: 8350, name: "mobyvm's DNS server" },
    { protocol: 'udp', hostPort: 8350, name: "mobyvm's DNS server" },
  ] as const;
  const serve = async (): Promise<RunningProgram[]> => {
    const servers = [
      peers.host.start('socat', [
        '-dd',
        'TCP-LISTEN:8350,bind=10.0.75.1,fork',
        'SYSTEM:cat >/dev/null; echo own',
      ]),
      peers.host.start('socat', [
        '-dd',
        'UDP-RECVFROM:8350,bind=10.0.75.1,fork',
        'SYSTEM:cat >/dev/null; echo own',
      ]),
    ];
    await until('the servers', async () => {
      const own = [await listenersOn(8350), await listenersOn(8350, '-u')].flat();
      return own.filter((place) => place === '10.0.75.1:8350').length === 2;
    });
    return servers;
  };

  // https://github.com/docker/for-mac/issues/5453
  test.each(['tcp', 'udp'] as const)(
    'leaves its port to containers at all other addresses, by %s',
    async (proto) => {
      publisher = await peers.publisher({ ownServers: dns });
      const servers = await serve();
      await peers.echo(8350);
      await using proxy = await publish({ proto, 'host-port': 8350 });
      expect(proxy.lines).toEqual(['0']);
      const place = `${proto}-connect`.toUpperCase().replace('TCP-CONNECT', 'TCP');
      for (const address of ['192.0.2.1', '192.0.2.9'])
        expect(await ask(peers.neighbour, `${place}:${address}:8350`, 'x')).toBe('x');
      expect(await ask(peers.host, `${place}:127.0.0.1:8350`, 'x')).toBe('x');
      expect(await ask(peers.guest, `${place}:10.0.75.1:8350`, 'x')).toBe('own\n');
      for (const server of servers) await server.stop();
    },
  );

  test('is named when a container publishes on that address', async () => {
    publisher = await peers.publisher({ ownServers: dns });
    const servers = await serve();
    await using proxy = await publish({ 'host-ip': '10.0.75.1', 'host-port': 8350 });
    await proxy.exit;
    expect(proxy.lines[1]).toBe(
      "Bind for 10.0.75.1:8350 failed: port is already allocated (on the host, by mobyvm's DNS server)",
    );
    for (const server of servers) await server.stop();
  });

  test('that starts later gets its port, and the containers keep theirs', async () => {
    publisher = await peers.publisher();
    await peers.echo(8350);
    await using proxy = await publish({ 'host-port': 8350 });
    expect(await listenersOn(8350)).toEqual(['0.0.0.0:8350']);
    await publisher.makeWay(...dns);
    const servers = await serve();
    expect(proxy.lines).toEqual(['0']);
    expect(await ask(peers.neighbour, 'TCP:192.0.2.1:8350', 'x')).toBe('x');
    for (const server of servers) await server.stop();
  });
});

describe('an audit', () => {
  test('makes the listeners match the list, and retries ports that could not be opened', async () => {
    publisher = await peers.publisher();
    const holder = peers.host.start('socat', ['-dd', 'TCP-LISTEN:8310,fork', 'PIPE']);
    await holder.line(/listening/);
    await peers.echo(8310, 8311);
    await publisher.audit(web('0.0.0.0', 8310), web('0.0.0.0', 8311));
    expect(await publisher.list()).toMatchObject([
      { hostPort: 8310, state: 'failed', problem: expect.stringContaining('by "socat"') as string },
      { hostPort: 8311, state: 'open' },
    ]);
    await holder.stop();
    await publisher.audit(web('0.0.0.0', 8310));
    expect(await publisher.list()).toMatchObject([{ hostPort: 8310, state: 'open', container: 'web' }]);
    expect(await ask(peers.neighbour, 'TCP:192.0.2.1:8310', 'x')).toBe('x');
    expect(await listenersOn(8311)).toEqual([]);
  });

  test('gives the port of a removed container to the next one at once', async () => {
    publisher = await peers.publisher();
    const gone = await publish({ 'host-port': 8312 });
    await gone.stop('SIGKILL');
    await publisher.program.line(/"doubt"/);
    await using next = await publish({ 'host-ip': '::', 'host-port': 8312, 'container-ip': '172.17.0.3' });
    await using other = await publish({ 'host-port': 8312, 'container-ip': '172.17.0.3' });
    expect(other.lines).toEqual(['0']);
    expect(next.lines.length).toBeGreaterThan(0);
  });
});

test('a lost guest ends open connections, refuses new ones and keeps the port', async () => {
  publisher = await peers.publisher();
  await peers.echo(8320);
  await using proxy = await publish({ 'host-port': 8320 });
  const live = peers.neighbour.start('socat', ['-', 'TCP:192.0.2.1:8320']);
  live.send('alive');
  await live.line(/alive/);
  await proxy.stop('SIGKILL');
  publisher.guestLost();
  await live.exit;
  expect(await ask(peers.neighbour, 'TCP:192.0.2.1:8320', 'x')).toBeUndefined();
  await publisher.program.line(/ports.connection.refused/);
  expect(await listenersOn(8320)).toEqual(['0.0.0.0:8320']);
});

test('200 ports are opened, come back after a restart of the host, and close with their proxies', async () => {
  publisher = await peers.publisher();
  const proxies = peers.guest.start(
    'sh',
    [
      '-c',
      `for port in $(seq 9000 9199); do "$0" -proto tcp -host-ip 0.0.0.0 -host-port $port -container-ip 172.17.0.2 -container-port 80 3>&1 & done
       trap 'kill $(jobs -p); wait; exit' TERM; wait`,
      `${peers.folder}/port-proxy`,
    ],
    { MOBYVM_RUN: peers.folder },
  );
  const open = async (): Promise<number> =>
    (await listening(peers.host)).filter((place) => /^0\.0\.0\.0:9[01]\d\d$/.test(place)).length;
  await until('all ports to be open', async () => (await open()) === 200);
  await until('all to be told', () => Promise.resolve(proxies.lines.length === 200));
  expect(new Set(proxies.lines)).toEqual(new Set(['0']));
  await publisher.program.stop('SIGKILL');
  expect(await open()).toBe(0);
  publisher = await peers.publisher();
  await until('all ports to be back', async () => (await open()) === 200);
  await proxies.stop();
  await until('all ports to be closed', async () => (await open()) === 0);
}, 120_000);

describe('a container that is still starting', () => {
  test('keeps its port while the engine does not list it, though the connection is lost for a moment', async () => {
    publisher = await peers.publisher();
    await using proxy = await publish({ 'host-port': 8321 });
    expect(proxy.lines).toEqual(['0']);
    await publisher.audit();
    publisher.guestLost();
    await publisher.audit();
    expect(await listenersOn(8321)).toEqual(['0.0.0.0:8321']);
    expect(publisher.program.lines.filter((line) => line.includes('ports.unpublished'))).toEqual([]);
  });
});

describe('a port that the VM itself needs', () => {
  test('leads to its container by a relay port', async () => {
    publisher = await peers.publisher({ vmPorts: [{ protocol: 'tcp', hostPort: 8322 }] });
    const engine = peers.guest.start('socat', [
      '-dd',
      'TCP-LISTEN:8322,bind=10.0.75.2,fork',
      'SYSTEM:cat >/dev/null; echo own',
    ]);
    await engine.line(/listening/);
    await using container = peers.echoAt(CONTAINER, 80);
    await container.line(/listening/);
    await using proxy = await publish({ 'host-port': 8322 });
    expect(proxy.lines).toEqual(['0']);
    expect(await ask(peers.neighbour, 'TCP:192.0.2.1:8322', 'x')).toBe('x');
    expect(await ask(peers.host, 'TCP:10.0.75.2:8322', 'x')).toBe('own\n');
    await engine.stop();
  });
});

describe('many connections', () => {
  test('are forwarded, 10,000 at a time or as many as there are descriptors', async () => {
    const limit =
      Number((await run('prlimit', ['--nofile', '--output', 'HARD', '--noheadings', '--raw'])).stdout) || 1e6;
    // Each takes two.
    const count = Math.min(10_000, Math.floor((limit - 100) / 2));
    publisher = await peers.publisher();
    await using server = await peers.guest.startNode('many-connections.mjs', { serve: 8330 });
    await server.line(/ready/);
    await using proxy = await publish({ 'host-port': 8330 });
    expect(proxy.lines).toEqual(['0']);
    await using client = await peers.neighbour.startNode('many-connections.mjs', {
      to: '192.0.2.1',
      port: 8330,
      count,
    });
    await client.line(new RegExp(`^open ${count} lost 0$`), 120);
    expect(await publisher.list()).toMatchObject([{ connections: count, bytesIn: count, bytesOut: count }]);
    client.send('again');
    await client.line(new RegExp(`^again ${count}$`), 120);
    await client.stop();
    await until('all to be closed', async () => (await publisher.list())[0]?.connections === 0);
  }, 360_000);

  test('beyond the descriptor limit are refused, and later ones served', async () => {
    publisher = await peers.publisher();
    await using server = await peers.guest.startNode('many-connections.mjs', { serve: 8331 });
    await server.line(/ready/);
    await using proxy = await publish({ 'host-port': 8331 });
    expect(proxy.lines).toEqual(['0']);
    await run('prlimit', ['--pid', String(publisher.program.pid), '--nofile=100']);
    const many = await peers.neighbour.startNode('many-connections.mjs', {
      to: '192.0.2.1',
      port: 8331,
      count: 300,
    });
    await many.line(/^open \d+ lost [1-9]\d+$/, 60);
    await publisher.program.line(/EMFILE/);
    await many.stop();
    await until('all to be closed', async () => (await publisher.list())[0]?.connections === 0);
    expect(await ask(peers.neighbour, 'TCP:192.0.2.1:8331', 'x')).toBe('x');
  }, 120_000);
});
