import { describe, expect, test } from 'vitest';
import { waitFor } from '../../src/core/host/index.js';
import { connect, NetworkNamespace } from '../support/netns.js';
import { NetworkHost } from '../support/network-host.js';

const signal = new AbortController().signal;

describe('traffic', () => {
  test('from the guest reaches the internet with the host’s address as its source', async () => {
    await using lab = await Lab.create();
    await serve(lab.internet, 8080);
    expect(await fetchLine(lab.guest, '198.51.100.1', 8080)).toBe('peer 198.51.100.2');
    await lab.guest.run('busybox', ['ping', '-c1', '-W5', '198.51.100.1']);
  });

  test('with a spoofed source address reaches neither the internet nor the host', async () => {
    await using lab = await Lab.create();
    await serve(lab.internet, 8080);
    await serve(lab.host.namespace, 53);
    await lab.guest.ip('address', 'add', '10.99.0.5/32', 'dev', 'eth0');
    await lab.host.namespace.ip('route', 'add', '10.99.0.5/32', 'dev', 'mobyvm0');
    expect(await fetchLine(lab.guest, '198.51.100.1', 8080, { bind: '10.99.0.5' })).toBe('');
    expect(await fetchLine(lab.guest, '10.0.75.1', 53, { bind: '10.99.0.5' })).toBe('');
    expect(await fetchLine(lab.guest, '10.0.75.1', 53)).toBe('peer 10.0.75.2');
  });

  test('from elsewhere reaches neither the VM nor mobyvm’s servers, but other host services as before', async () => {
    await using lab = await Lab.create();
    await serve(lab.guest, 2376);
    await serve(lab.host.namespace, 53);
    await lab.internet.ip('route', 'add', '10.0.75.0/24', 'via', '198.51.100.2');
    expect(await fetchLine(lab.internet, '10.0.75.2', 2376)).toBe('');
    expect(await fetchLine(lab.internet, '10.0.75.1', 53)).toBe('');
    expect(await fetchLine(lab.internet, '198.51.100.2', 53)).toBe('peer 198.51.100.1');
    // Without the rules the same connections work, so it was the rules that blocked them.
    await lab.host.demand('remove', { part: 'firewall' });
    expect(await fetchLine(lab.internet, '10.0.75.2', 2376)).toBe('peer 198.51.100.1');
    expect(await fetchLine(lab.internet, '10.0.75.1', 53)).toBe('peer 198.51.100.1');
  });

  test('from the guest reaches DNS on the host, and other services only if configured', async () => {
    await using lab = await Lab.create();
    await serve(lab.host.namespace, 53);
    await serve(lab.host.namespace, 8080);
    await lab.guest.run('busybox', ['ping', '-c1', '-W5', '10.0.75.1']);
    expect(await fetchLine(lab.guest, '10.0.75.1', 53)).toBe('peer 10.0.75.2');
    expect(await fetchLine(lab.guest, '10.0.75.1', 8080)).toBe('');
    expect(await fetchLine(lab.guest, '198.51.100.2', 53)).toBe('');
    const options = { hostServices: [{ protocol: 'tcp', port: 8080 }] };
    await lab.host.demand('ensure', { part: 'firewall', options });
    expect(await fetchLine(lab.guest, '10.0.75.1', 8080)).toBe('peer 10.0.75.2');
    await lab.host.demand('ensure', { part: 'firewall', options: { hostServices: 'all' } });
    expect(await fetchLine(lab.guest, '198.51.100.2', 53)).toBe('peer 10.0.75.2');
  });

  test('from the host to itself is not affected, even on its bridge address', async () => {
    await using lab = await Lab.create();
    await serve(lab.host.namespace, 8080);
    expect(await fetchLine(lab.host.namespace, '10.0.75.1', 8080, { as: AS_NOBODY })).toBe('peer 10.0.75.1');
    expect(await fetchLine(lab.host.namespace, '127.0.0.1', 8080)).toBe('peer 127.0.0.1');
  });

  test('passes Docker’s FORWARD DROP once the rules of the suggested remedy are added', async () => {
    await using lab = await Lab.create();
    await serve(lab.internet, 8080);
    const { namespace } = lab.host;
    await namespace.run('nft', [
      'add table ip filter; add chain ip filter DOCKER-USER; add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }; add rule ip filter FORWARD jump DOCKER-USER',
    ]);
    expect(await fetchLine(lab.guest, '198.51.100.1', 8080)).toBe('');
    await namespace.run('nft', [
      'add rule ip filter DOCKER-USER iifname mobyvm0 accept; add rule ip filter DOCKER-USER oifname mobyvm0 accept',
    ]);
    expect(await fetchLine(lab.guest, '198.51.100.1', 8080)).toBe('peer 198.51.100.2');
  });
});

const AS_NOBODY = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'];

/** guest (10.0.75.2) – bridge of the host (10.0.75.1, 198.51.100.2) – internet (198.51.100.1). */
class Lab implements AsyncDisposable {
  private constructor(
    readonly host: NetworkHost,
    readonly guest: NetworkNamespace,
    readonly internet: NetworkNamespace,
  ) {}

  static async create(): Promise<Lab> {
    const lab = new Lab(
      await NetworkHost.create(),
      await NetworkNamespace.create('guest'),
      await NetworkNamespace.create('net'),
    );
    try {
      await lab.#layCables();
      return lab;
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #layCables(): Promise<void> {
    const { host, guest, internet } = this;
    await host.demand('ensure');
    await connect(
      { namespace: host.namespace, device: 'guest0' },
      { namespace: guest, device: 'eth0', addresses: ['10.0.75.2/24'] },
    );
    await host.namespace.ip('link', 'set', 'guest0', 'master', 'mobyvm0');
    await guest.ip('route', 'add', 'default', 'via', '10.0.75.1');
    await connect(
      { namespace: host.namespace, device: 'up0', addresses: ['198.51.100.2/24'] },
      { namespace: internet, device: 'up1', addresses: ['198.51.100.1/24'] },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of [this.internet, this.guest, this.host]) await part[Symbol.asyncDispose]();
  }
}

/** A TCP server on every address of the namespace that answers with the client's address. */
async function serve(namespace: NetworkNamespace, port: number): Promise<void> {
  const listen = `TCP4-LISTEN:${port},reuseaddr,fork`;
  namespace.start('socat', [listen, 'SYSTEM:echo peer $SOCAT_PEERADDR']);
  await waitFor(
    {
      title: `a server on port ${port}`,
      timeoutSeconds: 120,
      hint: 'Check that socat is installed.',
      everyMs: 50,
      check: async () =>
        (await namespace.run('ss', ['-Hltn', `sport = :${port}`])).stdout.includes(`:${port}`),
    },
    signal,
  );
}

/** The server's line, or nothing if it is unreachable. */
async function fetchLine(
  from: NetworkNamespace,
  address: string,
  port: number,
  { bind, as = [] }: { readonly bind?: string; readonly as?: readonly string[] } = {},
): Promise<string> {
  const target = [
    `TCP4:${address}:${port}`,
    'connect-timeout=2',
    ...(bind === undefined ? [] : [`bind=${bind}`]),
  ];
  const command = [...as, 'socat', '-u', target.join(','), 'STDOUT'];
  const { stdout } = await from.run('env', command, { acceptExitCodes: [0, 1] });
  return stdout.trim();
}
