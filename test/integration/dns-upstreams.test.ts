import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../src/core/values/index.js';
import { decodeHeader } from '../../src/proxy/dns/header.codec.js';
import { askUdp, DnsConnection, resolversOf, startTestServer } from '../support/dns-client.js';
import { answerBytes, answersIn, queryBytes } from '../support/dns-message.js';
import { DnsUpstream, type Script } from '../support/dns-upstream.js';

const address = { kind: 'a', address: parseIpv4('192.0.2.7') } as const;
const answering: Script = (query) => [{ bytes: answerBytes(query, [address]) }];
const silent: Script = () => [];
const tcpOnly: Script = (query, transport) => (transport === 'tcp' ? answering(query, transport) : []);

/** An address at which nobody listens. */
async function deadEndpoint(): Promise<DnsUpstream['endpoint']> {
  await using gone = await DnsUpstream.start(silent);
  return gone.endpoint;
}

describe('a slow upstream', () => {
  // https://github.com/containers/aardvark-dns/issues/514
  it('is waited for, over UDP and TCP', async () => {
    await using upstream = await DnsUpstream.start((query, transport) =>
      transport === 'tcp' ? [] : [{ bytes: answerBytes(query, [address]), afterMs: 2_500 }],
    );
    await using server = await startTestServer([upstream.endpoint]);
    await using connection = await DnsConnection.open(server.port);
    connection.send(queryBytes('b.example'));
    const [udp, tcp] = await Promise.all([
      askUdp(server.port, queryBytes('a.example'), { waitMs: 9_000 }),
      connection.next(),
    ]);
    expect([answersIn(udp!), answersIn(tcp!)]).toEqual([[address], [address]]);
  });

  it('is not waited for longer than the host would', async () => {
    await using upstream = await DnsUpstream.start(silent);
    const upstreams = resolversOf(() => [upstream.endpoint], {
      patience: { timeoutMs: 1_000, attempts: 1, usesTcp: false },
    });
    await using server = await startTestServer([], { upstreams });
    const answer = await askUdp(server.port, queryBytes('a.example'), { waitMs: 9_000 });
    expect(decodeHeader(answer!).rcode).toBe(2);
  });
});

// https://github.com/AdguardTeam/DnsLibs/issues/103
describe('an upstream that is silent over UDP', () => {
  it('is asked over TCP, and over TCP first from then on', async () => {
    await using upstream = await DnsUpstream.start(tcpOnly);
    await using server = await startTestServer([upstream.endpoint]);
    await using connection = await DnsConnection.open(server.port);
    connection.send(queryBytes('a.example'));
    expect(answersIn((await connection.next())!)).toEqual([address]);
    const before = upstream.asked.length;
    expect(answersIn((await askUdp(server.port, queryBytes('b.example')))!)).toEqual([address]);
    expect(upstream.asked.slice(before).map(({ transport }) => transport)).toEqual(['tcp']);
    expect(server.stats().upstreams).toMatchObject([{ answered: 2, failed: 0 }]);
  });

  it('is asked over nothing else if the host’s configuration says so', async () => {
    await using upstream = await DnsUpstream.start(answering);
    const upstreams = resolversOf(() => [upstream.endpoint], {
      patience: { timeoutMs: 5_000, attempts: 2, usesTcp: true },
    });
    await using server = await startTestServer([], { upstreams });
    expect(answersIn((await askUdp(server.port, queryBytes('a.example')))!)).toEqual([address]);
    expect(upstream.asked.map(({ transport }) => transport)).toEqual(['tcp']);
  });
});

describe('an upstream of last resort', () => {
  it('is asked at once when nobody listens at the others', async () => {
    await using last = await DnsUpstream.start(answering);
    const stub = await deadEndpoint();
    const upstreams = resolversOf(() => [stub, { ...last.endpoint, isLastResort: true }]);
    await using server = await startTestServer([], { upstreams });
    expect(answersIn((await askUdp(server.port, queryBytes('a.example')))!)).toEqual([address]);
  });

  it('is not asked while another is only slow', async () => {
    await using stub = await DnsUpstream.start((query) => [
      { bytes: answerBytes(query, [address]), afterMs: 700 },
    ]);
    await using last = await DnsUpstream.start(answering);
    const upstreams = resolversOf(() => [stub.endpoint, { ...last.endpoint, isLastResort: true }]);
    await using server = await startTestServer([], { upstreams });
    expect(answersIn((await askUdp(server.port, queryBytes('a.example')))!)).toEqual([address]);
    expect(last.asked).toHaveLength(0);
  });
});

describe('the servers of a domain', () => {
  it('are asked for it and all below it; those of the longest domain win', async () => {
    await using corp = await DnsUpstream.start(answering);
    await using lab = await DnsUpstream.start(answering);
    await using local = await DnsUpstream.start(answering);
    await using others = await DnsUpstream.start(answering);
    await using server = await startTestServer([others.endpoint], {
      domains: [
        { domain: 'corp.example', servers: [corp.endpoint] },
        { domain: 'lab.corp.example', servers: [lab.endpoint] },
        { domain: 'corp.local', servers: [local.endpoint] },
      ],
    });
    const names = [
      'corp.example',
      'WEB.corp.example',
      'a.lab.corp.example',
      'xcorp.example',
      'dc.corp.local',
    ];
    for (const name of [...names, 'printer.local']) await askUdp(server.port, queryBytes(name));
    const counts = [corp, lab, local, others].map(({ asked }) => asked.length);
    expect(counts).toEqual([2, 1, 1, 1]);
  });
});

describe('our own address among the upstreams', () => {
  it.each(['127.0.0.1', '::ffff:127.0.0.1'])('as %s is never asked', async (own) => {
    await using first = await startTestServer([]);
    const { port } = first;
    await first.close();
    await using upstream = await DnsUpstream.start(answering);
    await using server = await startTestServer([{ address: own, port }, upstream.endpoint], { port });
    expect(answersIn((await askUdp(port, queryBytes('a.example')))!)).toEqual([address]);
    expect(server.stats().queries).toBe(1);
  });

  it('behind another server is a loop that ends by itself', async () => {
    await using upstream = await DnsUpstream.start(silent);
    const upstreams = resolversOf(() => [upstream.endpoint], {
      patience: { timeoutMs: 1_000, attempts: 1, usesTcp: false },
    });
    await using server = await startTestServer([], { upstreams });
    // It passes each question back to us instead of answering.
    upstream.script = (query) => {
      void askUdp(server.port, query.bytes);
      return [];
    };
    const answer = await askUdp(server.port, queryBytes('a.example'), { waitMs: 9_000 });
    expect(decodeHeader(answer!).rcode).toBe(2);
    expect(upstream.asked.length).toBeLessThan(5);
  });
});
