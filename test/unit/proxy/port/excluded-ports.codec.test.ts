import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CodecError, MobyvmError } from '../../../../src/core/values/index.js';
import { decodeExcludedPorts } from '../../../../src/proxy/port/excluded-ports.codec.js';
import { publishError } from '../../../../src/proxy/port/publish-error.js';

const GOLDEN = [
  'Ausgeschlossene Portbereiche für das Protokoll "tcp"',
  '',
  'Startport    Endport',
  '----------    --------',
  '      5357        5357',
  '     50000       50059     *',
  '',
  '* - Verwaltete Portausschlüsse.',
  '',
].join('\r\n');

describe('the ports that Windows keeps', () => {
  test('are read in whatever language', () => {
    expect(decodeExcludedPorts(GOLDEN)).toEqual([
      { first: 5357, last: 5357 },
      { first: 50_000, last: 50_059 },
    ]);
  });

  test('come back as they were written', () => {
    const port = fc.integer({ min: 0, max: 65_535 });
    const ranges = fc.array(
      fc.tuple(port, port).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
    );
    fc.assert(
      fc.property(ranges, (all) => {
        expect(decodeExcludedPorts(all.map(({ first, last }) => ` ${first}  ${last}\r\n`).join(''))).toEqual(
          all,
        );
      }),
    );
  });

  test('each prefix gives a part of them, and no other', () => {
    for (let end = 0; end < GOLDEN.length; end += 1)
      for (const { first } of decodeExcludedPorts(GOLDEN.slice(0, end).replace(/\d+$/, '')))
        expect([5357, 50_000]).toContain(first);
  });

  test('any text is read or refused with a CodecError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          decodeExcludedPorts(text);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
    );
    expect(() => decodeExcludedPorts('70000 70001')).toThrow(CodecError);
  });
});

describe('a port that cannot be published', () => {
  const request = {
    protocol: 'tcp',
    hostIp: '0.0.0.0',
    hostPort: 50_001,
    containerIp: '172.17.0.2',
    containerPort: 80,
    relayPort: undefined,
  } as const;
  const failing = (code: string): NodeJS.ErrnoException =>
    Object.assign(new MobyvmError('MOBYVM_BUG', 'x', ''), { code });

  test.each([
    [
      'EACCES',
      '50000-50059',
      "Bind for 0.0.0.0:50001 failed: permission denied (the host's system has reserved the ports 50000-50059)",
    ],
    ['EACCES', undefined, 'Bind for 0.0.0.0:50001 failed: permission denied'],
    [
      'EADDRINUSE',
      undefined,
      'Bind for 0.0.0.0:50001 failed: port is already allocated (on the host, by another program)',
    ],
    [
      'EADDRNOTAVAIL',
      undefined,
      'listen tcp 0.0.0.0:50001: bind: cannot assign requested address (the host does not have it)',
    ],
  ])('%s with the range %s', async (code, range, message) => {
    const reservedRange = () => Promise.resolve(range);
    const error = await publishError(request, '0.0.0.0', { error: failing(code), reservedRange });
    expect(error).toMatchObject({ code: 'MOBYVM_PORT_PUBLISH', message });
  });
});
