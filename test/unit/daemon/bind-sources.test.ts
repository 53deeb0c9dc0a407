import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bindSources } from '../../../src/daemon/shares/bind-sources.plan.js';
import type { ContainerList } from '../../../src/proxy/index.js';
import { DEFAULT_OWNER, type Share } from '../../../src/share/index.js';

const share = (id: string, hostPath: string, ...points: string[]): Share => ({
  id,
  name: id,
  hostPath,
  points,
  isReadOnly: false,
  account: { kind: 'private' },
  owner: DEFAULT_OWNER,
});
const mounting = (...sources: readonly string[]): ContainerList => [
  { Id: 'x', Mounts: sources.map((Source) => ({ Type: 'bind', Source })) },
];
const SHARES = [
  share('C', 'C:\\', '/C', '/c'),
  share('src', '/home/me/src', '/home/me/src'),
  share('lib', '/mnt/lib', '/home/me/src/lib'),
];

describe('what containers bind', () => {
  test.each([
    ['/C/site', { share: 'C', guestPath: '/C/site', hostPath: 'C:\\site' }],
    ['/c/site/a', { share: 'C', guestPath: '/C/site/a', hostPath: 'C:\\site\\a' }],
    ['/C', { share: 'C', guestPath: '/C', hostPath: 'C:\\' }],
    ['/home/me/src/a b', { share: 'src', guestPath: '/home/me/src/a b', hostPath: '/home/me/src/a b' }],
    ['/home/me/src/lib/x', { share: 'lib', guestPath: '/home/me/src/lib/x', hostPath: '/mnt/lib/x' }],
  ])('%s is on the share whose point is nearest', (source, wanted) => {
    expect(bindSources(mounting(source), SHARES)).toMatchObject([wanted]);
  });

  test.each([
    '/Cs',
    '/home/me',
    '/var/run/docker.sock',
    '/C/../etc',
    '/C/a/./b',
    '/C/a\\..\\b',
    '/C/a:b',
    '',
  ])('%j is on no share', (source) => {
    expect(bindSources(mounting(source), SHARES)).toEqual([]);
  });

  test('is listed once, without volumes and mounts that have no source', () => {
    const list: ContainerList = [
      ...mounting('/C/site', '/c/site'),
      ...mounting('/C/site/'),
      {
        Id: 'y',
        Mounts: [{ Type: 'volume', Source: '/C/v' }, { Type: 'tmpfs' }, { Type: 'bind', Source: null }],
      },
      { Id: 'z', Mounts: null },
      { Id: 'old' },
    ];
    expect(bindSources(list, SHARES).map(({ guestPath }) => guestPath)).toEqual(['/C/site']);
  });

  test('never leads out of its share', () => {
    const part = fc.constantFrom('..', '.', 'a', '', '/', 'C', '\\..\\');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        for (const { hostPath } of bindSources(mounting(`/home/me/src/${parts.join('/')}`), SHARES))
          expect(hostPath).not.toMatch(/(^|\/)\.\.(\/|$)/);
      }),
    );
  });
});
