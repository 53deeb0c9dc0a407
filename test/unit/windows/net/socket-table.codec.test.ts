import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError, ipv4FromNumber } from '../../../../src/core/values/index.js';
import { decodeSocketTable, type SocketTable } from '../../../../src/windows/net/socket-table.codec.js';
import {
  expectEveryProperPrefixRefused,
  expectValueOrCodecError,
  wireFixture,
} from '../../../support/wire-fixture.js';

const CAPTURES = [
  ['tcp', { address: '127.0.0.1', port: 8080, pid: 296 }],
  ['tcp6', { address: '::1', port: 8081, pid: 296 }],
  ['udp', { address: '127.0.0.1', port: 5353, pid: 296 }],
  ['udp6', { address: '*', port: 5354, pid: 296 }],
] as const;
const captureOf = (table: SocketTable): Uint8Array => wireFixture(`sockets-${table}-wine`);

/** The rows behind their number. */
function tableOf(rows: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(4 + rows.reduce((sum, { length }) => sum + length, 0));
  new DataView(bytes.buffer).setUint32(0, rows.length, true);
  let at = 4;
  for (const row of rows) {
    bytes.set(row, at);
    at += row.length;
  }
  return bytes;
}

function udpRow(address: number, port: number, pid: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint32(0, address);
  view.setUint16(4, port);
  view.setUint32(8, pid, true);
  return new Uint8Array(view.buffer);
}

describe('a table of sockets with their owners', () => {
  test.each(CAPTURES)('of %s is decoded as it was captured', (table, socket) => {
    expect(decodeSocketTable(captureOf(table), table)).toEqual([socket]);
  });

  test('has each address, port and process', () => {
    const row = fc.tuple(fc.integer({ min: 1, max: 0xffff_ffff }), fc.nat(0xffff), fc.nat(0xffff_ffff));
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        const bytes = tableOf(rows.map(([address, port, pid]) => udpRow(address, port, pid)));
        expect(decodeSocketTable(bytes, 'udp')).toEqual(
          rows.map(([address, port, pid]) => ({ address: ipv4FromNumber(address), port, pid })),
        );
      }),
    );
  });

  test('shows an IPv4 address of an IPv6 socket as IPv4', () => {
    const row = new Uint8Array(28);
    row.set([0xff, 0xff, 192, 0, 2, 1], 10);
    expect(decodeSocketTable(tableOf([row]), 'udp6')[0]?.address).toBe('192.0.2.1');
  });

  test('may be followed by the rest of the buffer, and may be empty', () => {
    expect(decodeSocketTable(new Uint8Array(1000), 'tcp')).toEqual([]);
    expect(decodeSocketTable(Uint8Array.from([...captureOf('udp'), 1, 2, 3]), 'udp')).toHaveLength(1);
  });

  test.each(CAPTURES)('of %s that is cut off is refused', (table) => {
    expectEveryProperPrefixRefused(captureOf(table), (bytes) => decodeSocketTable(bytes, table));
  });

  test('does not reserve memory for a number of rows that it cannot hold', () => {
    expect(() => decodeSocketTable(Uint8Array.from([0xff, 0xff, 0xff, 0xff]), 'tcp')).toThrow(CodecError);
  });

  test.each(CAPTURES)('of %s with arbitrary bytes gives sockets or a CodecError', (table) => {
    expectValueOrCodecError((bytes) => decodeSocketTable(bytes, table), [captureOf(table)]);
  });
});
