import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../../../../src/core/values/index.js';
import { parseHostsFile } from '../../../../src/daemon/host-side/hosts-file.codec.js';
import { hostTable, type HostEntry } from '../../../../src/proxy/index.js';

const HOST = parseIpv4('10.0.75.1');
const entries = (text: string): readonly HostEntry[] => parseHostsFile(text, HOST);

describe('a hosts file', () => {
  it('gives names with aliases, several addresses, IPv6 and comments', () => {
    const text = [
      '# static names',
      '192.0.2.7\tdb.test  DB db.   # the data base',
      '192.0.2.8 db.test',
      '  2001:db8::7 db.test',
      '#192.0.2.9 off.test',
      '0.0.0.0 ads.example',
      '',
    ].join('\r\n');
    const table = hostTable(entries(text));
    expect(table.addressesOf('db.test')).toEqual(['192.0.2.7', '192.0.2.8', '2001:db8::7']);
    expect(table.addressesOf('db')).toEqual(['192.0.2.7']);
    expect(table.addressesOf('ads.example')).toEqual(['0.0.0.0']);
    expect(table.addressesOf('off.test')).toBeUndefined();
    expect(table.nameOf('192.0.2.7')).toBe('db.test');
    expect(table.nameOf('2001:db8::7')).toBe('db.test');
    expect(table.size).toBe(3);
  });

  it('means the host, as containers reach it, by loopback addresses', () => {
    expect(entries('127.0.0.1 localhost web.test\n127.0.1.1 laptop.corp.example laptop')).toEqual([
      { address: '10.0.75.1', names: ['web.test'] },
      { address: '10.0.75.1', names: ['laptop.corp.example', 'laptop'] },
    ]);
  });

  it.each([
    '127.0.0.1 localhost localhost.localdomain localhost4 app.localhost',
    '::1 localhost ip6-localhost ip6-loopback laptop',
    'fe00::0 ip6-localnet',
    'ff02::1 ip6-allnodes all.test',
    'fe80::1%lo0 localhost router.test',
    '255.255.255.255 broadcasthost all.test',
    '239.1.1.1 group.test',
    '192.0.2.300 bad.test',
    '192.0.2.1 -bad.test a..b under/score',
    '192.0.2.1',
    'db.test 192.0.2.1',
  ])('has nothing for containers in "%s"', (line) => expect(entries(line)).toEqual([]));

  it('may begin with a byte order mark and end anywhere', () => {
    const text = '\uFEFF192.0.2.1 a.test\n192.0.2.2 b.test';
    expect(entries(text).map(({ names }) => names)).toEqual([['a.test'], ['b.test']]);
    for (let length = 0; length < text.length; length++) entries(text.slice(0, length));
  });

  it('of any text gives a value', () => {
    fc.assert(fc.property(fc.string(), (text) => void hostTable(entries(text))));
    const words = fc.constantFrom(' ', '\t', '\n', '#', '127.0.0.1', '::1', 'a.test', '%', '1.2.3.4', '::');
    fc.assert(fc.property(fc.array(words), (parts) => void hostTable(entries(parts.join('')))));
  });
});
