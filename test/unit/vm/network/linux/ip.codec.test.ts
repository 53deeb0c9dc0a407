import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError, formatSubnet } from '../../../../../src/core/values/index.js';
import {
  decodeAddresses,
  decodeLinks,
  decodeMtus,
  decodeNamespaces,
  decodeRoutes,
} from '../../../../../src/vm/network/linux/ip.codec.js';

/** Printed by iproute2 6.1.0 in a namespace with a bridge, a tap, a veth pair and a tunnel. */
const captured = (name: string): string => readFileSync(join(import.meta.dirname, 'captured', name), 'utf8');

const DECODERS = [
  ['ip-link.json', decodeLinks],
  ['ip-link.json', decodeMtus],
  ['ip-address.json', decodeAddresses],
  ['ip-route.json', decodeRoutes],
] as const;

test('decodeMtus decodes each link with its MTU, and which are tunnels', () => {
  const mtus = decodeMtus(captured('ip-link.json'));
  expect(mtus.find(({ name }) => name === 'mobyvm0')).toEqual({
    name: 'mobyvm0',
    mtuBytes: 1500,
    isPointToPoint: false,
  });
  expect(mtus.find(({ name }) => name === 'tun0')).toMatchObject({ isPointToPoint: true });
});

describe('decodeLinks', () => {
  const links = decodeLinks(captured('ip-link.json'));
  const link = (name: string) => links.find((each) => each.name === name);

  test('decodes a bridge with its tag', () => {
    expect(link('mobyvm0')).toEqual({
      name: 'mobyvm0',
      altNames: [],
      kind: 'bridge',
      isTap: false,
      alias: 'mobyvm:3f6d0f0e-5a59-4c3e-9d0c-0123456789ab',
      mac: '02:00:0a:00:4b:01',
      up: true,
      master: undefined,
      stp: false,
      forwardDelay: 0,
    });
  });

  test('distinguishes a tap from a tunnel and decodes its bridge', () => {
    expect(link('mobyvm0-t0')).toMatchObject({
      kind: 'tun',
      isTap: true,
      master: 'mobyvm0',
      alias: undefined,
    });
    expect(link('tun0')).toMatchObject({ kind: 'tun', isTap: false, mac: undefined });
  });

  test('decodes alternative names of a device', () => {
    expect(link('eth0')?.altNames).toEqual(['enp0s3']);
  });

  test('treats an empty alias as none and ignores unknown members', () => {
    const text = '[{"ifname":"x0","flags":["UP"],"ifalias":"","novelty":{"a":[1]}}]';
    expect(decodeLinks(text)[0]).toMatchObject({ name: 'x0', alias: undefined, up: true, kind: undefined });
  });

  test.each([
    ['no name', '[{"flags":[]}]'],
    ['no flags', '[{"ifname":"x0"}]'],
    ['an object instead of a list', '{"ifname":"x0","flags":[]}'],
    ['a name that is not a string', '[{"ifname":7,"flags":[]}]'],
  ])('rejects %s', (_, text) => {
    expect(() => decodeLinks(text)).toThrow(CodecError);
  });
});

describe('decodeAddresses', () => {
  test('decodes the address of each device', () => {
    expect(decodeAddresses(captured('ip-address.json'))).toEqual([
      { device: 'lo', address: '127.0.0.1', prefixLength: 8 },
      { device: 'mobyvm0', address: '10.0.75.1', prefixLength: 24 },
      { device: 'eth0', address: '192.168.1.5', prefixLength: 24 },
      { device: 'tun0', address: '10.8.0.2', prefixLength: 32 },
    ]);
  });

  test('skips IPv6 addresses and the empty entries of filtered ones', () => {
    const text =
      '[{},{"ifname":"a","addr_info":[{},{"family":"inet6","local":"fe80::1","prefixlen":64},{"family":"inet","local":"10.1.2.3","prefixlen":32}]}]';
    expect(decodeAddresses(text)).toEqual([{ device: 'a', address: '10.1.2.3', prefixLength: 32 }]);
  });

  test.each(['10.1.2', '10.1.2.300', ''])('rejects the address "%s"', (local) => {
    const text = JSON.stringify([{ ifname: 'a', addr_info: [{ family: 'inet', local, prefixlen: 24 }] }]);
    expect(() => decodeAddresses(text)).toThrow(CodecError);
  });

  test.each([-1, 33, 1.5])('rejects the prefix length %d', (prefixlen) => {
    const text = JSON.stringify([
      { ifname: 'a', addr_info: [{ family: 'inet', local: '10.1.2.3', prefixlen }] },
    ]);
    expect(() => decodeAddresses(text)).toThrow(CodecError);
  });
});

describe('decodeRoutes', () => {
  const routes = decodeRoutes(captured('ip-route.json')).map(
    ({ destination, type, devices }) => `${type} ${formatSubnet(destination)} ${devices.join('+')}`,
  );

  test('decodes default, host, blackhole and multipath routes of all tables', () => {
    expect(routes).toEqual(
      expect.arrayContaining([
        'unicast 0.0.0.0/0 eth0',
        'unicast 0.0.0.0/1 tun0',
        'unicast 10.0.0.0/8 tun0',
        'unicast 10.8.0.1/32 tun0',
        'blackhole 10.6.0.0/16 ',
        'unicast 10.7.0.0/16 eth0+tun0',
        'local 10.0.75.1/32 mobyvm0',
      ]),
    );
  });

  test.each(['fe80::/64', '10.0.0.0/33', '10.0.0.0/8/8', 'somewhere', ''])(
    'rejects the destination "%s"',
    (dst) => {
      expect(() => decodeRoutes(JSON.stringify([{ dst }]))).toThrow(CodecError);
    },
  );
});

describe('decodeNamespaces', () => {
  test('decodes names with and without a number', () => {
    expect(decodeNamespaces('[{"name":"a","id":0},{"name":"b"}]')).toEqual(['a', 'b']);
  });

  test.each(['', '\n', '[]'])('decodes %j as no namespace', (text) => {
    expect(decodeNamespaces(text)).toEqual([]);
  });
});

describe.each(DECODERS)('the output of `ip`: %s', (name, decode) => {
  test('decodes to the same value with other spacing', () => {
    const text = captured(name);
    expect(decode(JSON.stringify(JSON.parse(text), undefined, 2))).toEqual(decode(text));
  });

  test('is rejected when truncated anywhere', () => {
    const text = captured(name).trim();
    for (let length = 1; length < text.length; length += 1) {
      expect(() => decode(text.slice(0, length))).toThrow(CodecError);
    }
  });

  test('any text decodes to a value or throws a CodecError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        valueOrCodecError(() => decode(text));
      }),
    );
  });

  test('any damage to one member yields a value or a CodecError', () => {
    const entries = JSON.parse(captured(name)) as Record<string, unknown>[];
    fc.assert(
      fc.property(fc.nat(entries.length - 1), fc.nat(30), fc.jsonValue(), (at, member, value) => {
        const damaged = entries.map((entry, index) => {
          const key = Object.keys(entry)[member % Object.keys(entry).length] ?? '';
          return index === at ? { ...entry, [key]: value } : entry;
        });
        valueOrCodecError(() => decode(JSON.stringify(damaged)));
      }),
    );
  });
});

function valueOrCodecError(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
  }
}
