import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseResolvConf } from '../../../../src/daemon/linux/resolv-conf.codec.js';

describe('resolv.conf', () => {
  it('of systemd-resolved gives its servers and search list', () => {
    const text = [
      '# This is /run/systemd/resolve/stub-resolv.conf managed by man:systemd-resolved(8).',
      '; an old comment',
      'nameserver 127.0.0.53',
      'nameserver\t2001:db8::1   # with a comment',
      'nameserver fe80::1%eth0',
      'options edns0 trust-ad',
      'search corp.example lab.example',
    ].join('\n');
    expect(parseResolvConf(text)).toEqual({
      nameservers: [
        { address: '127.0.0.53', port: 53 },
        { address: '2001:db8::1', port: 53 },
        { address: 'fe80::1%eth0', port: 53 },
      ],
      search: ['corp.example', 'lab.example'],
      patience: {},
    });
  });

  it('may have CRLF line endings and be truncated anywhere', () => {
    const text = 'nameserver 192.0.2.1\r\nsearch a.example\r\n';
    expect(parseResolvConf(text).nameservers).toHaveLength(1);
    for (let length = 0; length < text.length; length++) parseResolvConf(text.slice(0, length));
  });

  it('has its search list from the last "search" or "domain"', () => {
    expect(parseResolvConf('search a b\ndomain c').search).toEqual(['c']);
    expect(parseResolvConf('domain c\nsearch a .').search).toEqual(['a']);
  });

  it('without "search" and "domain" says nothing about the search list', () => {
    expect(parseResolvConf('nameserver 192.0.2.1').search).toBeUndefined();
    expect(parseResolvConf('search .').search).toEqual([]);
  });

  it('says how long the system waits for a server, within its limits', () => {
    const patience = (options: string): unknown => parseResolvConf(`options ${options}`).patience;
    expect(patience('timeout:3 attempts:4 ndots:2 edns0')).toEqual({ timeoutMs: 3_000, attempts: 4 });
    expect(patience('timeout:0 attempts:99')).toEqual({ timeoutMs: 1_000, attempts: 5 });
    expect(patience('timeout:999999 use-vc')).toEqual({ timeoutMs: 30_000, usesTcp: true });
    expect(patience('timeout: timeout:-1 timeout:x attempts:1e9')).toEqual({});
  });

  it.each([
    'nameserver',
    'nameserver dns.example',
    'nameserver 1.2.3',
    'nameserver 1.2.3.400',
    'xnameserver 1.2.3.4',
    '#nameserver 1.2.3.4',
  ])('skips the line "%s"', (line) => expect(parseResolvConf(line).nameservers).toEqual([]));

  it('has each server once, and a limited number of them', () => {
    expect(parseResolvConf('nameserver 1.2.3.4\n'.repeat(3)).nameservers).toHaveLength(1);
    const many = Array.from({ length: 30 }, (_, at) => `nameserver 192.0.2.${at}`).join('\n');
    expect(parseResolvConf(many).nameservers).toHaveLength(8);
  });

  it('of arbitrary text gives a value', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseResolvConf(text)));
    fc.assert(
      fc.property(fc.array(fc.ipV4(), { maxLength: 8 }), (addresses) => {
        const text = addresses.map((address) => `nameserver ${address}`).join('\n');
        expect(parseResolvConf(text).nameservers.map(({ address }) => address)).toEqual([
          ...new Set(addresses),
        ]);
      }),
    );
  });
});
