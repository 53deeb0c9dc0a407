import { describe, expect, it } from 'vitest';
import { Listeners, sleep } from '../../src/core/host/index.js';
import { parseIpv4 } from '../../src/core/values/index.js';
import { decodeHeader } from '../../src/proxy/dns/header.codec.js';
import { decodeMessage, decodeSections } from '../../src/proxy/dns/message.codec.js';
import { askUdp, DnsConnection, hostsOf, resolversOf, startTestServer } from '../support/dns-client.js';
import { answerBytes, answersIn, PLAIN_EDNS, queryBytes } from '../support/dns-message.js';
import { DnsUpstream, type Script } from '../support/dns-upstream.js';
import { fromHex } from '../support/wire-fixture.js';

const address = { kind: 'a', address: parseIpv4('192.0.2.7') } as const;
const other = { kind: 'a', address: parseIpv4('192.0.2.8') } as const;
const answering: Script = (query) => [{ bytes: answerBytes(query, [address]) }];
const cookie = (last: string): object => ({
  edns: { options: [{ code: 10, data: fromHex(`00000000 000000${last}`) }] },
});

describe('an answer', () => {
  it('is remembered: the upstream is asked once, and each client has its own id and spelling', async () => {
    await using upstream = await DnsUpstream.start(answering);
    await using server = await startTestServer([upstream.endpoint]);
    await askUdp(server.port, queryBytes('web.example', { header: { id: 1 } }));
    const again = await askUdp(server.port, queryBytes('wEb.EXAMPLE', { header: { id: 2 } }));
    expect(decodeHeader(again!).id).toBe(2);
    expect(Buffer.from(again!).includes('wEb')).toBe(true);
    expect(answersIn(again!)).toEqual([address]);
    expect(upstream.asked).toHaveLength(1);
    expect(server.stats().cache).toMatchObject({ entries: 1, hits: 1, misses: 1 });
  });

  it('serves UDP and TCP alike, and is cut to what each client takes', async () => {
    const long = Array.from({ length: 8 }, () => ({
      kind: 'other' as const,
      type: 16,
      bytes: Uint8Array.from([250, ...new Uint8Array(250).fill(0x61)]),
    }));
    await using upstream = await DnsUpstream.start((query) => [{ bytes: answerBytes(query, long) }]);
    await using server = await startTestServer([upstream.endpoint]);
    const query = queryBytes('long.example', { type: 16 });
    await using connection = await DnsConnection.open(server.port);
    connection.send(query);
    expect(answersIn((await connection.next())!)).toHaveLength(8);
    expect(decodeHeader((await askUdp(server.port, query))!)).toMatchObject({
      isTruncated: true,
      answers: 1,
    });
    expect(upstream.asked).toHaveLength(1);
  });

  it('is asked for once however many ask for it at the same time', async () => {
    await using upstream = await DnsUpstream.start((query) => [
      { bytes: answerBytes(query, [address]), afterMs: 100 },
    ]);
    await using server = await startTestServer([upstream.endpoint]);
    const asking = Array.from({ length: 30 }, (_, id) =>
      askUdp(server.port, queryBytes('web.example', { header: { id }, ...cookie(String(10 + id)) })),
    );
    const answers = await Promise.all(asking);
    expect(answers.map((answer) => decodeHeader(answer!).id)).toEqual(answers.map((_, id) => id));
    expect(upstream.asked).toHaveLength(1);
  });

  it('does not carry one client’s cookie to another', async () => {
    await using upstream = await DnsUpstream.start((query) => [
      {
        bytes: Uint8Array.from([
          ...answerBytes({ ...query, edns: undefined }, [address], { additionals: 1 }),
          ...optWith(query.edns!.options[0]!.data),
        ]),
      },
    ]);
    await using server = await startTestServer([upstream.endpoint]);
    const first = await askUdp(server.port, queryBytes('web.example', cookie('aa')));
    const second = await askUdp(server.port, queryBytes('web.example', cookie('bb')));
    expect(Buffer.from(first!).includes(Buffer.from('00000000000000aa', 'hex'))).toBe(true);
    expect(Buffer.from(second!).includes(Buffer.from('00000000000000aa', 'hex'))).toBe(false);
    expect(answersIn(second!)).toEqual([address]);
    expect(decodeSections(decodeMessage(second!)).additionals).toHaveLength(1);
  });

  it('that names the client’s subnet is for nobody else', async () => {
    await using upstream = await DnsUpstream.start(answering);
    await using server = await startTestServer([upstream.endpoint]);
    const query = queryBytes('web.example', {
      edns: { options: [{ code: 8, data: fromHex('00011800c00002') }] },
    });
    for (let count = 0; count < 2; count++) await askUdp(server.port, query);
    expect(upstream.asked).toHaveLength(2);
  });

  it('with a time to live of 0, or an error, is not remembered', async () => {
    await using upstream = await DnsUpstream.start((query) => [
      { bytes: answerBytes(query, [], { rcode: 2 }) },
    ]);
    await using server = await startTestServer([upstream.endpoint]);
    for (let count = 0; count < 2; count++) await askUdp(server.port, queryBytes('web.example'));
    expect(upstream.asked).toHaveLength(2);
    expect(server.stats().cache.entries).toBe(0);
  });
});

describe('when every upstream fails', () => {
  /** One second: then the answer has run out. */
  const short: Script = (query) => {
    const bytes = answerBytes(query, [address]);
    bytes.set([0, 0, 0, 1], bytes.length - 10);
    return [{ bytes }];
  };
  const impatient = { timeoutMs: 1_000, attempts: 1, usesTcp: false };

  it('an answer that has run out is given for half a minute more, until they answer again', async () => {
    await using upstream = await DnsUpstream.start(short);
    const upstreams = resolversOf(() => [upstream.endpoint], { patience: impatient });
    await using server = await startTestServer([], { upstreams });
    const ttlOf = (answer: Uint8Array | undefined): number | undefined =>
      decodeSections(decodeMessage(answer!)).answers[0]?.ttl;
    const ask = (): Promise<Uint8Array | undefined> => askUdp(server.port, queryBytes('web.example'));
    expect(ttlOf(await ask())).toBe(1);
    await sleep(1_050);
    upstream.script = (query) => [{ bytes: answerBytes(query, [], { rcode: 2 }) }];
    expect(ttlOf(await ask())).toBe(30);
    upstream.script = () => [];
    expect(ttlOf(await ask())).toBe(30);
    expect(server.stats().cache.stale).toBe(2);
    upstream.script = (query) => [{ bytes: answerBytes(query, [other]) }];
    // The first question since asks them in the background.
    let answer = await ask();
    while (ttlOf(answer) === 30) {
      await sleep(10);
      answer = await ask();
    }
    expect(answersIn(answer!)).toEqual([other]);
  });

  it('a name that was never known is an error still', async () => {
    await using upstream = await DnsUpstream.start(() => []);
    const upstreams = resolversOf(() => [upstream.endpoint], { patience: impatient });
    await using server = await startTestServer([], { upstreams });
    expect(decodeHeader((await askUdp(server.port, queryBytes('web.example')))!).rcode).toBe(2);
  });
});

describe('what was remembered is forgotten', () => {
  it.each(['resolvers', 'hosts file'])('when the %s of the host change', async (what) => {
    await using upstream = await DnsUpstream.start(answering);
    const changes = new Listeners();
    const onChange = (listener: () => void): (() => void) => changes.add(listener);
    let table = hostsOf([]).table;
    const upstreams = resolversOf(() => [upstream.endpoint], what === 'resolvers' ? { onChange } : {});
    const hostsFile = {
      ...hostsOf([], what === 'hosts file' ? { onChange } : {}),
      get table() {
        return table;
      },
    };
    await using server = await startTestServer([], { upstreams, hostsFile });
    await askUdp(server.port, queryBytes('web.example'));
    await askUdp(server.port, queryBytes('web.example'));
    expect(upstream.asked).toHaveLength(1);
    table = hostsOf([{ address: '192.0.2.8', names: ['db.example'] }]).table;
    changes.emit();
    await askUdp(server.port, queryBytes('web.example'));
    expect(upstream.asked).toHaveLength(2);
    const known = await askUdp(server.port, queryBytes('db.example'));
    expect(answersIn(known!)).toEqual([what === 'hosts file' ? other : other]);
  });
});

/** An OPT record that gives the cookie back. */
function optWith(data: Uint8Array): Uint8Array {
  const { udpBytes } = PLAIN_EDNS;
  return Uint8Array.from([
    ...[0, 0, 41, udpBytes >> 8, udpBytes & 0xff, 0, 0, 0, 0, 0, data.length + 4],
    ...[0, 10, 0, data.length, ...data],
  ]);
}
