import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, waitFor } from '../../../../src/core/host/index.js';
import { resolvConfResolvers } from '../../../../src/daemon/linux/resolv-conf-resolvers.js';
import type { ResolverSource } from '../../../../src/proxy/index.js';

let folder: string;
let source: ResolverSource | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-resolv-conf-'));
});
afterEach(async () => {
  await source?.close();
  source = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function open(hostName = 'host'): Promise<ResolverSource> {
  source = await resolvConfResolvers({
    path: join(folder, 'resolv.conf'),
    uplinkPath: join(folder, 'uplinks'),
    hostName,
    logger: silentLogger,
    everyMs: 10,
  });
  return source;
}

function write(text: string, name = 'resolv.conf'): Promise<void> {
  return writeFile(join(folder, name), text);
}

const servers = (): string => (source?.current('a.example') ?? []).map(({ address }) => address).join(' ');

function until(title: string, holds: () => boolean): Promise<void> {
  const requirement = { title, timeoutSeconds: 20, hint: '', everyMs: 5 };
  return waitFor({ ...requirement, check: () => Promise.resolve(holds()) }, new AbortController().signal);
}

// https://github.com/tailscale/tailscale/issues/14008
describe('a host without name servers asks its own resolver, as the system does, if resolv.conf', () => {
  it.each([
    ['is missing', () => Promise.resolve()],
    ['is empty', () => write('')],
    ['names no server', () => write('search corp.example\noptions edns0\n')],
    ['names no valid address', () => write('nameserver dns.example\n')],
    ['is a dangling link', () => symlink('nowhere', join(folder, 'resolv.conf'))],
    ['is a link to itself', () => symlink('resolv.conf', join(folder, 'resolv.conf'))],
    ['is a folder', () => mkdir(join(folder, 'resolv.conf')).then(() => undefined)],
  ])('%s', async (_, prepare: () => Promise<void>) => {
    await prepare();
    await open();
    expect(servers()).toBe('127.0.0.1');
  });
});

describe('resolv.conf', () => {
  it('is followed when it appears and when it goes', async () => {
    await open();
    await write('nameserver 192.0.2.1\n');
    await until('the new server', () => servers() === '192.0.2.1');
    await rm(join(folder, 'resolv.conf'));
    await until('the default', () => servers() === '127.0.0.1');
  });

  it('without a search list leaves it to the domain of the host name', async () => {
    await write('nameserver 192.0.2.1\n');
    expect((await open('web1.Corp.example')).searchDomains).toEqual(['corp.example']);
    await source?.close();
    await write('nameserver 192.0.2.1\nsearch .\n');
    expect((await open('web1.corp.example')).searchDomains).toEqual([]);
  });

  it('decides how long servers are waited for, and each change is announced', async () => {
    await write('nameserver 192.0.2.1\noptions timeout:1 attempts:3\n');
    await open();
    expect(source?.patience).toEqual({ timeoutMs: 1_000, attempts: 3, usesTcp: false });
    let changes = 0;
    source?.onChange(() => (changes += 1));
    await write('nameserver 192.0.2.1\noptions timeout:2 attempts:3 use-vc\n');
    await until('the new patience', () => source?.patience.timeoutMs === 2_000);
    expect(source?.patience.usesTcp).toBe(true);
    expect(changes).toBe(1);
  });

  it('may name a link-local server with its scope', async () => {
    await write('nameserver fe80::1%eth0\nnameserver fe80::2%eth0\n');
    await open();
    expect(servers()).toBe('fe80::1%eth0 fe80::2%eth0');
  });
});

describe('systemd-resolved', () => {
  it('is asked at its stub, and its own servers only if nothing answers there', async () => {
    await write('nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch corp.example\n');
    await write('nameserver 192.0.2.1\nnameserver 192.0.2.2\n', 'uplinks');
    await open();
    expect(source?.current('a.example')).toEqual([
      { address: '127.0.0.53', port: 53 },
      { address: '192.0.2.1', port: 53, isLastResort: true },
      { address: '192.0.2.2', port: 53, isLastResort: true },
    ]);
    await write('nameserver 192.0.2.3\n', 'uplinks');
    await until('the new uplink', () => servers() === '127.0.0.53 192.0.2.3');
  });

  it('has no say where resolv.conf names other servers', async () => {
    await write('nameserver 192.0.2.9\n');
    await write('nameserver 192.0.2.1\n', 'uplinks');
    await open();
    expect(servers()).toBe('192.0.2.9');
  });
});
