import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import { DhcpNetwork, SERVER_ADDRESS, VM_ADDRESS } from '../support/dhcp-switch.js';
import type { RunningProgram } from '../support/netns.js';

const SERVER = {
  address: SERVER_ADDRESS,
  port: 53,
  subnet: { network: '10.0.75.0', prefixLength: 24 },
  names: [['moby.mobyvm.internal', VM_ADDRESS]],
};
const CHAIN = Array.from({ length: 9 }, (_, at) => `--cname=c${at}.corp.example,c${at + 1}.corp.example`);
const ZONE = [
  ...['--host-record=web.corp.example,192.0.2.7,2001:db8::7', '--host-record=c9.corp.example,192.0.2.9'],
  ...[
    '--mx-host=corp.example,mail.corp.example,10',
    '--srv-host=_ldap._tcp.corp.example,c9.corp.example,389,5,7',
  ],
  ...['--caa-record=corp.example,0,issue,ca.example', '--dns-rr=corp.example,65,00010000010003026832'],
  `--txt-record=long.corp.example,${Array.from({ length: 16 }, () => 'x'.repeat(250)).join(',')}`,
  ...CHAIN,
];
const QUESTIONS = [
  ...['web.corp.example A', 'web.corp.example AAAA', 'wEb.Corp.eXample A', 'c0.corp.example A'],
  ...['corp.example MX', 'corp.example CAA', 'corp.example TYPE65', 'corp.example SOA', 'corp.example TXT'],
  ...['_ldap._tcp.corp.example SRV', 'long.corp.example TXT', '-x 192.0.2.7', 'none.corp.example A'],
];

const DNSMASQ = [
  '--keep-in-foreground',
  '--conf-file=/dev/null',
  '--pid-file=',
  '--user=root',
  '--no-hosts',
  '--no-resolv',
  '--log-facility=-',
  '--bind-interfaces',
];

/** dnsmasq as the host's own resolver, on a loopback address as systemd-resolved is. */
async function startResolver(
  network: DhcpNetwork,
  address: string,
  ...zone: string[]
): Promise<RunningProgram> {
  const resolver = network.host.start('dnsmasq', [
    ...DNSMASQ,
    '--local=/example/',
    `--listen-address=${address}`,
    ...zone,
  ]);
  await resolver.line(/dnsmasq\[\d+\]: started/);
  return resolver;
}

async function startServer(network: DhcpNetwork, more: object): Promise<RunningProgram> {
  const server = await network.host.startNode('dns-server.mjs', { ...SERVER, ...more });
  await server.line(/"event":"ready"/);
  await network.vm.ip('addr', 'replace', `${VM_ADDRESS}/24`, 'dev', 'eth0');
  return server;
}

async function statsOf(server: RunningProgram): Promise<Record<string, unknown>> {
  const from = server.lines.length;
  server.send('stats');
  return JSON.parse(await server.line(/"event":"stats"/, 120, from)) as Record<string, unknown>;
}

async function shortAnswer(network: DhcpNetwork, ...question: string[]): Promise<string> {
  const { stdout } = await network.vm.run('dig', ['+short', `@${SERVER_ADDRESS}`, ...question]);
  return stdout.trim();
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'mobyvm-dns-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const toResolver = { upstreams: [{ address: '127.0.0.53', port: 53 }] };

describe('dig in the VM', () => {
  it('gets the same answers as on the host, for every type, over UDP and TCP', async () => {
    await using network = await DhcpNetwork.create();
    await startResolver(network, '127.0.0.53', ...ZONE);
    await startServer(network, toResolver);
    // The header's flags, all sections with their times to live, and the status; not times and sizes.
    const shown = ['+noall', '+comments', '+question', '+answer', '+authority', '+additional', '+nocookie'];
    const dig = async (where: 'host' | 'vm', server: string, how: string): Promise<string> => {
      const args = QUESTIONS.flatMap((question) => [...question.split(' '), ...shown, how, `@${server}`]);
      const { stdout } = await network[where].run('dig', args);
      // With a large size dnsmasq still truncates at 1,232 bytes; we fetch the rest, so that the VM need not.
      return stdout.replaceAll(/id: \d+/g, 'id: *').replaceAll(/^;; Truncated, .*\n/gm, '');
    };
    for (const how of ['+notcp', '+tcp', '+noedns', '+bufsize=4096', '+dnssec']) {
      expect(await dig('vm', SERVER_ADDRESS, how), how).toBe(await dig('host', '127.0.0.53', how));
    }
  });

  it('finds the host and the VM by name', async () => {
    await using network = await DhcpNetwork.create();
    await startServer(network, { upstreams: [] });
    const dig = async (...question: string[]): Promise<string> =>
      (await network.vm.run('dig', ['+short', `@${SERVER_ADDRESS}`, ...question])).stdout.trim();
    expect(await dig('Host.Docker.Internal')).toBe(SERVER_ADDRESS);
    expect(await dig('gateway.docker.internal')).toBe(SERVER_ADDRESS);
    expect(await dig('moby.mobyvm.internal')).toBe(VM_ADDRESS);
    expect(await dig('-x', SERVER_ADDRESS)).toBe('host.docker.internal.');
    expect(await dig('host.docker.internal', 'AAAA')).toBe('');
  });
});

describe('the host’s resolv.conf', () => {
  it('is read again when a symbolic link changes its target', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-resolv-'));
    try {
      await using network = await DhcpNetwork.create();
      await startResolver(network, '127.0.0.51', '--host-record=where.example,192.0.2.1');
      await startResolver(network, '127.0.0.52', '--host-record=where.example,192.0.2.2');
      const resolvConf = join(folder, 'resolv.conf');
      for (const last of [51, 52])
        await writeFile(join(folder, String(last)), `nameserver 127.0.0.${last}\n`);
      await symlink('51', resolvConf);
      const server = await startServer(network, { resolvConf });
      const where = async (): Promise<string> =>
        (
          await network.vm.run('dig', ['+short', '+tries=1', `@${SERVER_ADDRESS}`, 'where.example'])
        ).stdout.trim();
      expect(await where()).toBe('192.0.2.1');
      await rm(resolvConf);
      await symlink('52', resolvConf);
      await server.line(/"name":"dns\.upstream\.changed".*127\.0\.0\.52/);
      expect(await where()).toBe('192.0.2.2');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a host with an own resolver', () => {
  // https://github.com/tailscale/tailscale/issues/14008
  it('needs no resolv.conf', async () => {
    await using network = await DhcpNetwork.create();
    await startResolver(network, '127.0.0.1', '--host-record=web.example,192.0.2.1');
    await startServer(network, { resolvConf: '/nonexistent/resolv.conf' });
    expect(await shortAnswer(network, 'web.example')).toBe('192.0.2.1');
  });

  it('may name it by its link-local address', async () => {
    await using folder = await temporaryFolder();
    await using network = await DhcpNetwork.create();
    const router = network.stranger;
    const { stdout } = await router.run('ip', [
      '-6',
      '-o',
      'address',
      'show',
      'dev',
      'eth0',
      'scope',
      'link',
    ]);
    const linkLocal = /inet6 (fe80:[0-9a-f:]+)/.exec(stdout)?.[1] ?? '';
    await waitFor(
      {
        title: 'the link-local addresses',
        timeoutSeconds: 120,
        hint: '',
        check: async () => {
          const both = await Promise.all([
            router.run('ip', ['-6', 'addr']),
            network.host.run('ip', ['-6', 'addr']),
          ]);
          return both.every((one) => !one.stdout.includes('tentative'));
        },
      },
      new AbortController().signal,
    );
    const resolver = router.start('dnsmasq', [
      ...DNSMASQ,
      '--interface=eth0',
      '--host-record=web.example,192.0.2.1',
    ]);
    await resolver.line(/dnsmasq\[\d+\]: started/);
    const resolvConf = join(folder.path, 'resolv.conf');
    await writeFile(resolvConf, `nameserver ${linkLocal}%lan0\n`);
    await startServer(network, { resolvConf });
    expect(await shortAnswer(network, 'web.example')).toBe('192.0.2.1');
  });

  it('that is systemd-resolved is asked at its stub, or else at the servers that it asks', async () => {
    await using folder = await temporaryFolder();
    await using network = await DhcpNetwork.create();
    await startResolver(network, '127.0.0.9', '--host-record=where.example,192.0.2.9');
    const resolvConf = join(folder.path, 'resolv.conf');
    const uplinks = join(folder.path, 'uplinks');
    await writeFile(resolvConf, 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch corp.example\n');
    await writeFile(uplinks, 'nameserver 127.0.0.9\n');
    const server = await startServer(network, { resolvConf, uplinks });
    expect(await shortAnswer(network, 'where.example')).toBe('192.0.2.9');
    await startResolver(network, '127.0.0.53', '--host-record=here.example,192.0.2.53');
    expect(await shortAnswer(network, 'here.example')).toBe('192.0.2.53');
    expect(await statsOf(server)).toMatchObject({ searchDomains: ['corp.example'] });
  });
});

describe('a wildcard upstream', () => {
  // https://github.com/moby/vpnkit/issues/221, https://github.com/docker/for-mac/issues/6098
  it('sees none of our names, and none of multicast DNS', async () => {
    await using network = await DhcpNetwork.create();
    const resolver = await startResolver(network, '127.0.0.53', '--address=/#/192.0.2.66', '--log-queries');
    await startServer(network, toResolver);
    expect(await shortAnswer(network, 'anything.test')).toBe('192.0.2.66');
    const ours = ['nosuch.mobyvm.internal', 'x.docker.internal', 'docker.internal', 'printer.local'];
    for (const name of ours) {
      const { stdout } = await network.vm.run('dig', [`@${SERVER_ADDRESS}`, name]);
      expect(stdout, name).toContain('status: NXDOMAIN');
    }
    expect(await shortAnswer(network, 'host.docker.internal')).toBe(SERVER_ADDRESS);
    expect(resolver.lines.filter((line) => /query\[.*(internal|local)/.test(line))).toEqual([]);
  });
});

describe('the host’s hosts file', () => {
  // https://github.com/rancher-sandbox/rancher-desktop/issues/1245
  it('is what containers see, and is followed', async () => {
    await using folder = await temporaryFolder();
    await using network = await DhcpNetwork.create();
    await startResolver(network, '127.0.0.53', '--address=/#/192.0.2.66');
    const hosts = join(folder.path, 'hosts');
    await writeFile(
      hosts,
      '127.0.0.1 localhost\n127.0.1.1 laptop\n192.0.2.7 db.test db # data\n2001:db8::7 db.test\n',
    );
    const server = await startServer(network, { ...toResolver, hosts });
    expect(await shortAnswer(network, 'db.test')).toBe('192.0.2.7');
    expect(await shortAnswer(network, 'db')).toBe('192.0.2.7');
    expect(await shortAnswer(network, 'db.test', 'AAAA')).toBe('2001:db8::7');
    expect(await shortAnswer(network, '-x', '192.0.2.7')).toBe('db.test.');
    expect(await shortAnswer(network, '-x', '2001:db8::7')).toBe('db.test.');
    expect(await shortAnswer(network, 'laptop')).toBe(SERVER_ADDRESS);
    expect(await shortAnswer(network, 'localhost')).toBe('127.0.0.1');
    await writeFile(hosts, '192.0.2.8 db.test\n');
    await server.line(/"name":"dns\.hosts-file\.read".*"names":1/);
    expect(await shortAnswer(network, 'db.test')).toBe('192.0.2.8');
    expect(await shortAnswer(network, 'db.test', '+tcp')).toBe('192.0.2.8');
    expect(await shortAnswer(network, 'laptop')).toBe('192.0.2.66');
  });
});

describe('dnsperf in the VM', () => {
  it('loses no query, and leaves no socket behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-dnsperf-'));
    try {
      await using network = await DhcpNetwork.create();
      await startResolver(network, '127.0.0.53', '--dns-forward-max=1000', ...ZONE);
      const server = await startServer(network, toResolver);
      const sockets = async (): Promise<number> =>
        (await network.host.run('ss', ['--no-header', '--udp', '--tcp', '--all', '--numeric'])).stdout.split(
          '\n',
        ).length;
      const before = await sockets();
      const questions = join(folder, 'questions');
      await writeFile(
        questions,
        'web.corp.example A\nweb.corp.example AAAA\nhost.docker.internal A\nnone.example A\n',
      );
      for (const mode of ['udp', 'tcp']) {
        const load = [
          '-s',
          SERVER_ADDRESS,
          '-d',
          questions,
          '-m',
          mode,
          '-c',
          '8',
          '-q',
          '60',
          '-n',
          '2500',
          '-t',
          '4',
        ];
        const { stdout } = await network.vm.run('dnsperf', load, { timeoutMs: 50_000 });
        expect(stdout).toMatch(/Queries sent: +10000\n/);
        expect(stdout).toMatch(/Queries lost: +0 /);
        expect(stdout).not.toContain('SERVFAIL');
      }
      const settled = {
        title: 'the sockets to be as few as before',
        timeoutSeconds: 120,
        hint: '',
        check: async () => (await sockets()) <= before,
      };
      await waitFor(settled, new AbortController().signal);
      expect(await statsOf(server)).toMatchObject({ queries: 20_000, servfails: 0, outstanding: 0 });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a busy port 53', () => {
  it('is reported with the program that uses it', async () => {
    await using network = await DhcpNetwork.create();
    const rival = network.host.start('socat', ['-dd', '-u', 'UDP4-RECV:53', 'STDOUT']);
    await rival.line(/starting data transfer/);
    const server = await network.host.startNode('dns-server.mjs', { ...SERVER, upstreams: [] });
    const failure = await server.line(/"event":"failed"/);
    expect(failure).toContain('MOBYVM_PORT_IN_USE');
    expect(failure).toContain(`\\"socat\\" (pid ${rival.pid})`);
  });
});
