import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/cli/commands.js';
import { parseIpv4 } from '../../../src/core/values/index.js';
import type { CurrentDns } from '../../../src/daemon/control/dns-routes.js';
import type { ControlServer } from '../../../src/daemon/control/server.js';
import { hostTable } from '../../../src/proxy/index.js';
import type { DnsServer } from '../../../src/proxy/index.js';
import { commandContext, printedBy } from '../../support/cli-context.js';
import { serveControl } from '../../support/control-server.js';
import { hostsOf, resolversOf, startTestServer } from '../../support/dns-client.js';
import { answerBytes } from '../../support/dns-message.js';
import { DnsUpstream } from '../../support/dns-upstream.js';

let folder: string;
let upstream: DnsUpstream;
let dns: DnsServer;
let control: ControlServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-dns-command-'));
  upstream = await DnsUpstream.start((query) => [
    {
      bytes: query.name.startsWith('no')
        ? answerBytes(query, [], { rcode: 3 })
        : answerBytes(query, [{ kind: 'a', address: parseIpv4('192.0.2.7') }]),
    },
  ]);
  dns = await startTestServer([], {
    upstreams: resolversOf(() => [upstream.endpoint], { searchDomains: ['corp.example'] }),
    domains: [{ domain: 'lab.example', servers: [upstream.endpoint] }],
    hostsFile: hostsOf([{ address: '2001:db8::7', names: ['six.test', 'six'] }]),
    settingsHosts: hostTable([{ address: '192.0.2.9', names: ['db.test'] }]),
  });
  control = await serve(() => dns);
});
afterEach(async () => {
  await control.close();
  await dns.close();
  await upstream[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const path = (): string => join(folder, 'control.sock');

function serve(current: CurrentDns): Promise<ControlServer> {
  return serveControl(path(), { dns: current });
}

async function mobyvm(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  const { lines, terminal } = printedBy();
  const base = commandContext();
  const context = commandContext({ terminal, paths: { ...base.paths, controlSocket: path() } });
  const code = await runCommand(['dns', ...args], context);
  return { code, text: lines.join('\n') };
}

describe('mobyvm dns query', () => {
  it.each([
    [
      ['web.example'],
      /^web\.example\. {2}60 {2}A {2}192\.0\.2\.7\n\nAnswered in [\d.]+ ms by 127\.0\.0\.1:\d+\.$/,
    ],
    [['a.lab.example'], / by 127\.0\.0\.1:\d+, for the domain lab\.example\.$/],
    [['db.test'], /192\.0\.2\.9\n\nAnswered in [\d.]+ ms by dns\.hosts in the settings\.$/],
    [
      ['six', 'aaaa'],
      /^six\. {2}5 {2}AAAA {2}2001:db8::7\n\nAnswered in [\d.]+ ms by the host's hosts file\.$/,
    ],
    [['2001:db8::7'], /ip6\.arpa\. {2}5 {2}PTR {2}six\.test\.\n/],
    [
      ['host.docker.internal'],
      /127\.0\.0\.1\n\nAnswered in [\d.]+ ms by mobyvm: a name of the host or the VM\.$/,
    ],
    [
      ['web.example', 'ANY'],
      /HINFO {2}"RFC8482" ""\n\nAnswered in [\d.]+ ms by mobyvm: questions for ANY are not passed on/,
    ],
  ])('%j shows the answer and who gave it', async (args, expected) => {
    const { code, text } = await mobyvm('query', ...args);
    expect(text).toMatch(expected);
    expect(code).toBe(0);
  });

  it('shows what comes from the cache', async () => {
    await mobyvm('query', 'web.example');
    expect((await mobyvm('query', 'web.example')).text).toMatch(/ by the cache, with an answer of 0 s ago/);
  });

  it.each([
    ['nowhere.example', 'nowhere.example has no record of type A (NXDOMAIN).'],
    ['x.docker.internal', 'no upstream is ever asked for such names'],
    ['printer.local', '.local belongs to multicast DNS'],
  ])('ends with 1 for %s', async (name, words) => {
    const { code, text } = await mobyvm('query', name);
    expect(text).toContain(words);
    expect(code).toBe(1);
  });

  it('prints JSON', async () => {
    const { text } = await mobyvm('query', 'db.test', '--json');
    expect(JSON.parse(text)).toMatchObject({
      name: 'db.test',
      type: 'A',
      rcode: 'NOERROR',
      answers: [{ name: 'db.test.', ttl: 5, type: 'A', data: '192.0.2.9' }],
      answeredBy: { kind: 'rule', rule: 'settings' },
    });
  });

  it.each([
    [['a..b'], /"a\.\.b" is not a name that can be looked up/],
    [['a.example', 'XX'], /"XX" is not a type of DNS records/],
    [['x'.repeat(64)], /is not a name that can be looked up/],
  ])('%j is refused', async (args, message) => {
    await expect(mobyvm('query', ...args)).rejects.toThrow(message);
  });

  it('says that the server is not running', async () => {
    await control.close();
    control = await serve(() => undefined);
    await expect(mobyvm('query', 'a.example')).rejects.toMatchObject({ code: 'MOBYVM_DNS_SERVER' });
    await expect(mobyvm('status')).rejects.toThrow(/starts and ends with the VM/);
  });
});

describe('mobyvm dns status', () => {
  it('shows servers, search domains, cache and names', async () => {
    await mobyvm('query', 'web.example');
    await mobyvm('query', 'web.example');
    const { text } = await mobyvm('status');
    const { port } = upstream.endpoint;
    expect(text).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} +all names +ok +[\\d.]+ ms +1 +1 +0\\n`));
    expect(text).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} +lab\\.example +ok`));
    expect(text).toContain('Search domains: corp.example');
    expect(text).toMatch(/Cache: +1 answers \(1 KiB\), 50% found there, 0 given after they had expired/);
    expect(text).toMatch(/Names: +2 in the hosts file, 1 in the settings/);
  });

  it('prints JSON', async () => {
    const status: unknown = JSON.parse((await mobyvm('status', '--json')).text);
    expect(status).toMatchObject({
      servers: [{ state: 'untried', isLastResort: false }, { domain: 'lab.example' }],
      cache: { entries: 0, hits: 0 },
      queries: { total: 0, waiting: 0 },
    });
  });
});
