import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError } from '../../../../src/core/values/index.js';
import { decodeAdapters } from '../../../../src/windows/net/adapters.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  wireFixture,
} from '../../../support/wire-fixture.js';

const CAPTURE = wireFixture('adapters-wine');
const CAPTURED_AT = 0x7f1c3c630040n;

/** Where the buffers of these tests are. */
const BASE = 0x1000n;

interface Sample {
  readonly name?: string;
  readonly suffix?: string;
  readonly index?: number;
  readonly index6?: number;
  readonly flags?: number;
  readonly kind?: number;
  readonly state?: number;
  readonly metrics?: readonly [number, number];
  /** As the bytes of a socket address. */
  readonly servers?: readonly (readonly number[])[];
}

/** As GetAdaptersAddresses lays them out: structures that point to one another. */
class Layout {
  readonly #bytes: number[] = [];

  static of(samples: readonly Sample[]): Uint8Array {
    const layout = new Layout();
    let last: number | undefined;
    for (const sample of samples) {
      const at = layout.#adapter(sample);
      if (last !== undefined) layout.#pointer(last + 8, at);
      last = at;
    }
    return Uint8Array.from(layout.#bytes);
  }

  #adapter(sample: Sample): number {
    const at = this.#room(224);
    const [metric4, metric6] = sample.metrics ?? [25, 35];
    const fields = [
      [4, sample.index ?? 7],
      [92, sample.flags ?? 0x180],
      [100, sample.kind ?? 6],
      [104, sample.state ?? 1],
      [108, sample.index6 ?? 7],
      [216, metric4],
      [220, metric6],
    ] as const;
    for (const [offset, value] of fields) this.#u32(at + offset, value);
    this.#pointer(at + 72, this.#text(sample.name ?? 'Ethernet'));
    this.#pointer(at + 56, this.#text(sample.suffix ?? ''));
    let from = at + 48;
    for (const server of sample.servers ?? []) {
      const entry = this.#room(32);
      this.#pointer(from, entry);
      const address = this.#room(server.length);
      server.forEach((byte, index) => (this.#bytes[address + index] = byte));
      this.#pointer(entry + 16, address);
      from = entry + 8;
    }
    return at;
  }

  #room(length: number): number {
    const at = Math.ceil(this.#bytes.length / 8) * 8;
    while (this.#bytes.length < at + length) this.#bytes.push(0);
    return at;
  }

  #text(text: string): number {
    const at = this.#room((text.length + 1) * 2);
    for (let index = 0; index < text.length; index++) {
      this.#bytes[at + 2 * index] = text.charCodeAt(index) & 0xff;
      this.#bytes[at + 2 * index + 1] = text.charCodeAt(index) >> 8;
    }
    return at;
  }

  #u32(at: number, value: number): void {
    for (let index = 0; index < 4; index++) this.#bytes[at + index] = (value >>> (8 * index)) & 0xff;
  }

  #pointer(at: number, to: number): void {
    this.#u32(at, Number(BASE) + to);
  }
}

const inet = (...address: readonly number[]): number[] => [2, 0, 0, 53, ...address, 0, 0, 0, 0, 0, 0, 0, 0];
const inet6 = (...groups: readonly number[]): number[] => [
  ...[23, 0, 0, 53, 0, 0, 0, 0],
  ...groups.flatMap((group) => [group >> 8, group & 0xff]),
  ...[0, 0, 0, 0],
];
const decode = (samples: readonly Sample[]): ReturnType<typeof decodeAdapters> =>
  decodeAdapters(Layout.of(samples), BASE);

describe('the adapters of a host', () => {
  test('are decoded as Wine lays them out', () => {
    expect(decodeAdapters(CAPTURE, CAPTURED_AT)).toEqual([
      expect.objectContaining({ index: 4, name: 'eth0', nameServers: ['192.0.2.53'], suffix: '' }),
    ]);
  });

  test('have their index, name, metric, name servers and suffix', () => {
    const servers = [
      inet(192, 0, 2, 1),
      inet6(0x2001, 0xdb8, 0, 0, 1, 0, 0, 0x53),
      inet6(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    ];
    expect(decode([{ name: 'WLAN ü', suffix: 'corp.example', index: 12, index6: 13, servers }])).toEqual([
      {
        index: 12,
        name: 'WLAN ü',
        metric: 25,
        suffix: 'corp.example',
        nameServers: ['192.0.2.1', '2001:db8::1:0:0:53', 'fe80::1%13'],
      },
    ]);
  });

  test('count the metrics of the families that they have', () => {
    const metricOf = (flags: number): number | undefined => decode([{ flags, metrics: [50, 20] }])[0]?.metric;
    expect([0x180, 0x80, 0x100, 0].map(metricOf)).toEqual([20, 50, 20, Infinity]);
  });

  test('are only those that are up, without the loopback', () => {
    const samples = [
      { name: 'a' },
      { name: 'b', state: 2 },
      { name: 'c', kind: 24 },
      { name: 'd', index: 0 },
    ];
    expect(decode(samples).map(({ name, index }) => `${name} ${index}`)).toEqual(['a 7', 'd 7']);
  });

  test.each([
    [[0, 0, 0, 0, 0, 0, 0, 1], '::1'],
    [[1, 0, 0, 0, 0, 0, 0, 0], '1::'],
    [[1, 0, 2, 0, 0, 3, 4, 5], '1:0:2::3:4:5'],
    [[1, 0, 2, 3, 4, 5, 6, 7], '1:0:2:3:4:5:6:7'],
    [[0xfec0, 0, 0, 0xffff, 0, 0, 0, 1], 'fec0:0:0:ffff::1'],
  ])('write %j as %s', (groups, text) => {
    expect(decode([{ servers: [inet6(...groups)] }])[0]?.nameServers).toEqual([text]);
  });

  test('skip addresses of other families', () => {
    expect(decode([{ servers: [[1, 0, 47, 0], inet(192, 0, 2, 1)] }])[0]?.nameServers).toEqual(['192.0.2.1']);
  });

  test('that were cut off are refused', () => {
    // What is last in the buffer is the name server; a socket address is longer than what it needs.
    const whole = Layout.of([{ servers: [inet(192, 0, 2, 1).slice(0, 8)] }]);
    expectEveryProperPrefixRefused(whole, (bytes) => decodeAdapters(bytes, BASE));
  });

  test('that point out of the buffer, or in a circle, are refused', () => {
    expect(() => decodeAdapters(CAPTURE, CAPTURED_AT + 0x10_0000n)).toThrow(CodecError);
    const circle = Layout.of([{}]);
    new DataView(circle.buffer).setBigUint64(8, BASE, true);
    expect(() => decodeAdapters(circle, BASE)).toThrow(CodecError);
  });

  test('from arbitrary bytes are adapters or a CodecError', () => {
    expectValueOrCodecError((bytes) => decodeAdapters(bytes, CAPTURED_AT), [CAPTURE]);
    fc.assert(
      fc.property(fc.array(fc.nat(255), { minLength: 16, maxLength: 16 }), (address) => {
        const [adapter] = decode([{ servers: [inet6(...address.map((byte) => byte * 257).slice(0, 8))] }]);
        expect(adapter?.nameServers).toHaveLength(1);
      }),
    );
  });
});
