import { describe, expect, it } from 'vitest';
import { Listeners, sleep } from '../../src/core/host/index.js';
import { parseIpv4, parseSubnet } from '../../src/core/values/index.js';
import { decodeHeader } from '../../src/proxy/dns/header.codec.js';
import { withId, type DnsQuery } from '../../src/proxy/dns/message.codec.js';
import { nameText } from '../../src/proxy/dns/name.codec.js';
import type { ResolverSource } from '../../src/proxy/dns/index.js';
import type { Endpoint } from '../../src/proxy/endpoint.js';
import type { RecordData } from '../../src/proxy/dns/record.codec.js';
import { askUdp, DnsConnection, resolversOf, startTestServer } from '../support/dns-client.js';
import { answerBytes, answersIn, queryBytes, queryFor } from '../support/dns-message.js';
import { DnsUpstream, type Script } from '../support/dns-upstream.js';
import { fromHex, toHex } from '../support/wire-fixture.js';

const address: RecordData = { kind: 'a', address: parseIpv4('192.0.2.7') };
const answering: Script = (query) => [{ bytes: answerBytes(query, [address]) }];
const silent: Script = () => [];
const failing: Script = (query) => [{ bytes: answerBytes(query, [], { rcode: 2 }) }];

/** About 4 kB: 16 TXT records of 250 characters. */
const long: readonly RecordData[] = Array.from({ length: 16 }, (_, at) => ({
  kind: 'other',
  type: 16,
  bytes: Uint8Array.from([250, ...new Uint8Array(250).fill(0x61 + at)]),
}));

function rcodeOf(answer: Uint8Array | undefined): number | undefined {
  return answer === undefined ? undefined : decodeHeader(answer).rcode;
}

/** Resolvers of a host that gives up after a second. */
function impatient(servers: readonly Endpoint[]): ResolverSource {
  return resolversOf(() => servers, { patience: { timeoutMs: 1_000, attempts: 1, usesTcp: false } });
}

describe('a forwarded query', () => {
  it('reaches the upstream unchanged except for its id, and so does the answer the client', async () => {
    const odd = fromHex('0000 0029 0500 00008000 000c fde9 0003 010203 000b 0001 00').slice(1);
    const query = Uint8Array.from([
      ...queryBytes('wEb.CoRp.example', { type: 0xfff0, header: { additionals: 1 } }),
      ...odd,
    ]);
    const bytes = Uint8Array.from([
      ...answerBytes(queryFor('wEb.CoRp.example', { type: 0xfff0 }), long.slice(0, 1)),
    ]);
    await using upstream = await DnsUpstream.start(({ header }) => [{ bytes: withId(bytes, header.id) }]);
    await using server = await startTestServer([upstream.endpoint]);
    const answer = await askUdp(server.port, query);
    expect(toHex(answer ?? fromHex(''))).toBe(toHex(bytes));
    expect(toHex(upstream.asked[0]?.bytes.slice(2) ?? fromHex(''))).toBe(toHex(query.slice(2)));
  });

  it('has a new id and a new port each time', async () => {
    await using upstream = await DnsUpstream.start(answering);
    await using server = await startTestServer([upstream.endpoint]);
    for (let count = 0; count < 20; count++) await askUdp(server.port, queryBytes(`a${count}.example`));
    const ids = new Set(upstream.asked.map(({ bytes }) => decodeHeader(bytes).id));
    const ports = new Set(upstream.asked.map(({ port }) => port));
    expect(ids.size).toBeGreaterThan(15);
    expect(ports.size).toBeGreaterThan(15);
  });

  it('ignores answers with another id, another question or from another port', async () => {
    const forged = (query: DnsQuery): Uint8Array =>
      answerBytes(query, [{ kind: 'a', address: parseIpv4('6.6.6.6') }]);
    await using upstream = await DnsUpstream.start((query) => [
      { bytes: withId(forged(query), query.header.id ^ 1) },
      { bytes: withId(forged(queryFor('b.example')), query.header.id) },
      { bytes: forged(query), fromElsewhere: true },
      { bytes: fromHex('00') },
      { bytes: answerBytes(query, [address]), afterMs: 50 },
    ]);
    await using server = await startTestServer([upstream.endpoint]);
    expect(answersIn((await askUdp(server.port, queryBytes('a.example')))!)).toEqual([address]);
  });

  it('returns NXDOMAIN unchanged', async () => {
    await using upstream = await DnsUpstream.start((query) => [
      { bytes: answerBytes(query, [], { rcode: 3 }) },
    ]);
    await using server = await startTestServer([upstream.endpoint]);
    expect(rcodeOf(await askUdp(server.port, queryBytes('no.example')))).toBe(3);
  });
});

describe('upstreams', () => {
  it('that stay silent eventually cause SERVFAIL, for A and AAAA independently', async () => {
    await using upstream = await DnsUpstream.start((query) =>
      query.question.type === 28 ? [] : answering(query, 'udp'),
    );
    await using server = await startTestServer([], { upstreams: impatient([upstream.endpoint]) });
    const [a, aaaa] = await Promise.all([
      askUdp(server.port, queryBytes('a.example')),
      askUdp(server.port, queryBytes('a.example', { type: 28 })),
    ]);
    expect(answersIn(a!)).toEqual([address]);
    expect(rcodeOf(aaaa)).toBe(2);
  });

  it('that are silent are followed by the next, which is then asked first', async () => {
    await using dead = await DnsUpstream.start(silent);
    await using alive = await DnsUpstream.start(answering);
    await using server = await startTestServer([dead.endpoint, alive.endpoint]);
    for (let count = 0; count < 5; count++) {
      expect(rcodeOf(await askUdp(server.port, queryBytes(`a${count}.example`)))).toBe(0);
    }
    expect(dead.asked).toHaveLength(1);
    expect(alive.asked).toHaveLength(5);
  });

  it('that fail or do not listen are skipped at once', async () => {
    await using broken = await DnsUpstream.start(failing);
    const gone = await DnsUpstream.start(silent);
    const { endpoint } = gone;
    await gone[Symbol.asyncDispose]();
    await using alive = await DnsUpstream.start(answering);
    await using server = await startTestServer([broken.endpoint, endpoint, alive.endpoint]);
    expect(rcodeOf(await askUdp(server.port, queryBytes('a.example')))).toBe(0);
    expect(server.stats().upstreams.map(({ answered, failed }) => [answered, failed])).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
    ]);
  });

  it('cause SERVFAIL with the reason if there are none', async () => {
    await using server = await startTestServer([]);
    const answer = await askUdp(server.port, queryBytes('a.example', { edns: {} }));
    expect(rcodeOf(answer)).toBe(2);
    expect(new TextDecoder().decode(answer)).toContain('the host has no resolver');
    expect(server.stats()).toMatchObject({ queries: 1, servfails: 1 });
  });

  it('can change while queries are pending', async () => {
    await using first = await DnsUpstream.start(answering);
    await using second = await DnsUpstream.start(answering);
    let current = [first.endpoint];
    await using server = await startTestServer([], { upstreams: resolversOf(() => current) });
    await askUdp(server.port, queryBytes('a.example'));
    current = [second.endpoint];
    await askUdp(server.port, queryBytes('b.example'));
    expect([first.asked.length, second.asked.length]).toEqual([1, 1]);
  });

  it('that failed are asked first again when the host’s resolvers change', async () => {
    await using first = await DnsUpstream.start(silent);
    await using second = await DnsUpstream.start(answering);
    const changes = new Listeners();
    const upstreams = {
      ...resolversOf(() => [first.endpoint, second.endpoint]),
      onChange: (listener: () => void) => changes.add(listener),
    };
    await using server = await startTestServer([], { upstreams });
    await askUdp(server.port, queryBytes('a.example'));
    await askUdp(server.port, queryBytes('b.example'));
    expect(first.asked).toHaveLength(1);
    changes.emit();
    await askUdp(server.port, queryBytes('c.example'));
    expect(first.asked).toHaveLength(2);
  });

  it('can differ by name', async () => {
    await using inner = await DnsUpstream.start(answering);
    await using outer = await DnsUpstream.start(answering);
    const upstreams = resolversOf((name) => [
      name.endsWith('corp.example') ? inner.endpoint : outer.endpoint,
    ]);
    await using server = await startTestServer([], { upstreams });
    for (const name of ['WEB.Corp.Example', 'example.org']) await askUdp(server.port, queryBytes(name));
    expect(inner.asked.map(({ bytes }) => bytes.length)).toEqual([queryBytes('web.corp.example').length]);
    expect(outer.asked).toHaveLength(1);
  });
});

describe('a long answer', () => {
  const truncating: Script = (query, transport) => {
    const whole = answerBytes(query, long);
    const cut = answerBytes(query, long.slice(0, 1), { isTruncated: true });
    return [{ bytes: transport === 'tcp' ? whole : cut }];
  };
  const question = { type: 16 };

  it('is fetched over TCP, and complete for a client that uses TCP', async () => {
    await using upstream = await DnsUpstream.start(truncating);
    await using server = await startTestServer([upstream.endpoint]);
    const query = queryBytes('long.example', { ...question, edns: { udpBytes: 4096 } });
    const answer = await askUdp(server.port, query);
    expect(decodeHeader(answer!).isTruncated).toBe(true);
    await using connection = await DnsConnection.open(server.port);
    connection.send(query);
    const whole = await connection.next();
    expect(answersIn(whole!)).toEqual(long);
    expect(upstream.asked.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  it('has TC and fits for a client without EDNS', async () => {
    await using upstream = await DnsUpstream.start((query) => [{ bytes: answerBytes(query, long) }]);
    await using server = await startTestServer([upstream.endpoint]);
    const answer = await askUdp(server.port, queryBytes('long.example', question));
    expect(answer!.length).toBeLessThanOrEqual(512);
    expect(decodeHeader(answer!).isTruncated).toBe(true);
    expect(answersIn(answer!)).toEqual(long.slice(0, 1));
  });

  it('is truncated if the upstream does not speak TCP', async () => {
    await using upstream = await DnsUpstream.start((query, transport) =>
      transport === 'tcp' ? [] : truncating(query, 'udp'),
    );
    await using server = await startTestServer([], { upstreams: impatient([upstream.endpoint]) });
    const answer = await askUdp(server.port, queryBytes('long.example', question));
    expect(decodeHeader(answer!)).toMatchObject({ isTruncated: true, rcode: 0, answers: 1 });
    await using connection = await DnsConnection.open(server.port);
    connection.send(queryBytes('long.example', question));
    expect(rcodeOf(await connection.next())).toBe(2);
  });
});

describe('a client', () => {
  it('gets no answer to garbage or a response, and FORMERR for a malformed query', async () => {
    await using server = await startTestServer([]);
    const shortly = { waitMs: 300 };
    expect(await askUdp(server.port, fromHex('0102030405'), shortly)).toBeUndefined();
    const response = queryBytes('a', { header: { isResponse: true } });
    expect(await askUdp(server.port, response, shortly)).toBeUndefined();
    expect(rcodeOf(await askUdp(server.port, queryBytes('a').slice(0, -1)))).toBe(1);
    expect(server.stats().dropped).toBe(2);
  });

  it('from another network gets no answer, over UDP and TCP', async () => {
    await using server = await startTestServer([], { subnet: parseSubnet('127.0.0.0/24') });
    const query = queryBytes('host.docker.internal');
    expect(await askUdp(server.port, query, { from: '127.0.9.9', waitMs: 300 })).toBeUndefined();
    await using connection = await DnsConnection.open(server.port, '127.0.9.9');
    expect(await connection.next()).toBeUndefined();
    expect(rcodeOf(await askUdp(server.port, query))).toBe(0);
  });

  it('can pipeline queries, and gets each answer as soon as it is available', async () => {
    await using upstream = await DnsUpstream.start((query) => [
      {
        bytes: answerBytes(query, [address]),
        afterMs: nameText(query.question.name).startsWith('slow') ? 200 : 0,
      },
    ]);
    await using server = await startTestServer([upstream.endpoint]);
    await using connection = await DnsConnection.open(server.port);
    connection.send(withId(queryBytes('slow.example'), 1), withId(queryBytes('fast.example'), 2));
    connection.end();
    const order = [await connection.next(), await connection.next()].map(
      (answer) => decodeHeader(answer!).id,
    );
    expect(order).toEqual([2, 1]);
    expect(await connection.next()).toBeUndefined();
  });

  it('can send thousands of queries at once', async () => {
    await using server = await startTestServer([]);
    await using connection = await DnsConnection.open(server.port);
    const queries = Array.from({ length: 3_000 }, (_, id) => withId(queryBytes('localhost'), id));
    connection.send(...queries);
    const ids = new Set<number>();
    while (ids.size < queries.length) ids.add(decodeHeader((await connection.next())!).id);
    expect(ids.size).toBe(3_000);
  });

  it('that announces an excessive length is disconnected', async () => {
    await using server = await startTestServer([]);
    await using connection = await DnsConnection.open(server.port);
    connection.write(fromHex('ffff 00'));
    expect(await connection.next()).toBeUndefined();
  });

  it('that opens too many connections loses its idle ones', async () => {
    await using server = await startTestServer([]);
    const connections: DnsConnection[] = [];
    try {
      for (let count = 0; count < 105; count++) connections.push(await DnsConnection.open(server.port));
      const last = connections.at(-1)!;
      last.send(queryBytes('localhost'));
      expect(rcodeOf(await last.next())).toBe(0);
      expect(await connections[0]!.next()).toBeUndefined();
      expect(server.stats().tcpConnections).toBeLessThanOrEqual(100);
    } finally {
      for (const connection of connections) await connection[Symbol.asyncDispose]();
    }
  });
});

describe('the DNS server', () => {
  it('never asks itself', async () => {
    await using server = await startTestServer([]);
    const { port } = server;
    await server.close();
    const own = { address: '127.0.0.1', port };
    await using again = await startTestServer([own], { port });
    expect(rcodeOf(await askUdp(port, queryBytes('a.example')))).toBe(2);
    expect(again.stats().queries).toBe(1);
  });

  it('names the program that uses its port', async () => {
    await using first = await startTestServer([]);
    await expect(startTestServer([], { port: first.port })).rejects.toMatchObject({
      code: 'MOBYVM_PORT_IN_USE',
      details: { pid: process.pid },
    });
    await using upstream = await DnsUpstream.start(silent, '127.0.0.3');
    const taken = { address: parseIpv4('127.0.0.3'), port: upstream.endpoint.port };
    await expect(startTestServer([], taken)).rejects.toMatchObject({ code: 'MOBYVM_PORT_IN_USE' });
  });

  it('reports that its address is missing', async () => {
    const wanted = { address: parseIpv4('192.0.2.99') };
    await expect(startTestServer([], wanted)).rejects.toMatchObject({ code: 'MOBYVM_DNS_SERVER' });
  });

  it('closes at once, with queries pending', async () => {
    await using upstream = await DnsUpstream.start(silent);
    const server = await startTestServer([upstream.endpoint]);
    await using connection = await DnsConnection.open(server.port);
    connection.send(queryBytes('a.example'));
    while (upstream.asked.length === 0) await sleep(1);
    await server.close();
    expect(await connection.next()).toBeUndefined();
    await using again = await startTestServer([], { port: server.port });
    expect(again.port).toBe(server.port);
  });
});
