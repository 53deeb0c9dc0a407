import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  eventsOf,
  filesToCompare,
  foldersOf,
  mergeBinds,
  type WatchedBind,
} from '../../../../src/share/events/watched-folders.plan.js';

const bind = (guestPath: string, hostPath: string, isFolder = true, share = 'C'): WatchedBind => ({
  share,
  guestPath,
  hostPath,
  isFolder,
});
const SITE = bind('/C/site', '/srv/site');

describe('binds of running containers', () => {
  test('below another one of the same share are covered by it', () => {
    const below = bind('/C/site/sub', '/srv/site/sub');
    expect(mergeBinds([below, SITE, SITE])).toEqual([SITE]);
  });

  test('stay if a link leads elsewhere, or the share is another', () => {
    const link = bind('/C/site/link', '/srv/other');
    const other = bind('/D/sub', '/srv/site/sub', true, 'D');
    expect(mergeBinds([SITE, link, other])).toHaveLength(3);
  });

  test('are watched by folders that do not contain one another', () => {
    const binds = [bind('/C/site/sub', '/srv/site/sub'), SITE, bind('/C/sitemap', '/srv/sitemap')];
    expect(foldersOf(binds)).toEqual([{ path: '/srv/site' }, { path: '/srv/sitemap' }]);
  });

  test('of single files watch only these names', () => {
    const files = ['b.conf', 'a.conf'].map((name) => bind(`/C/etc/${name}`, `/srv/etc/${name}`, false));
    const covered = bind('/C/site/x', '/srv/site/x', false);
    expect(foldersOf([...files, SITE, covered])).toEqual([
      { path: '/srv/site' },
      { path: '/srv/etc', only: ['a.conf', 'b.conf'] },
    ]);
  });

  test('of single files are compared with the host once they are watched, as nothing else looks them up', () => {
    const [first, second] = ['a', 'b'].map((name) => bind(`/C/etc/${name}`, `/srv/etc/${name}`, false));
    expect(filesToCompare([SITE, first!], [SITE, first!, second!, bind('/C/new', '/srv/new')])).toEqual([
      { kind: 'attributes', path: '/srv/etc/b', isFolder: false },
    ]);
  });

  test('of a drive on Windows are watched likewise', () => {
    const drive = bind('/C', 'C:\\');
    expect(foldersOf([bind('/C/site', 'C:\\site'), drive])).toEqual([{ path: 'C:\\' }]);
    const change = { kind: 'written', path: 'C:\\site\\a b', isFolder: false } as const;
    expect(eventsOf(change, [drive])).toEqual([
      { share: 'C', event: { path: '/C/site/a b', isFolder: false, operations: 'w' } },
    ]);
  });
});

describe('a change of the host', () => {
  test('is raised in each share that has it', () => {
    const other = bind('/D', '/srv', true, 'D');
    const change = { kind: 'created', path: '/srv/site/new', isFolder: true } as const;
    expect(eventsOf(change, [SITE, other])).toEqual([
      { share: 'C', event: { path: '/C/site/new', isFolder: true, operations: 'c' } },
      { share: 'D', event: { path: '/D/site/new', isFolder: true, operations: 'c' } },
    ]);
  });

  test('is raised by both names that it has in a share', () => {
    const twice = bind('/C/link', '/srv/site');
    const change = { kind: 'modified', path: '/srv/site/f', isFolder: false } as const;
    expect(eventsOf(change, [SITE, twice]).map(({ event }) => event.path)).toEqual([
      '/C/site/f',
      '/C/link/f',
    ]);
  });

  test('that moves a file inside a share is a move', () => {
    const other = bind('/C/b', '/srv/b');
    const change = { kind: 'moved', path: '/srv/site/f', to: '/srv/b/f', isFolder: false } as const;
    expect(eventsOf(change, [SITE, other])).toEqual([
      { share: 'C', event: { path: '/C/site/f', isFolder: false, to: '/C/b/f' } },
    ]);
  });

  test('that moves a file out of what is bound, or into it, is a deletion or a creation', () => {
    const out = { kind: 'moved', path: '/srv/site/f', to: '/srv/f', isFolder: false } as const;
    const into = { kind: 'moved', path: '/srv/f', to: '/srv/site/f', isFolder: false } as const;
    const operations = [out, into].map((change) => eventsOf(change, [SITE])[0]?.event);
    expect(operations).toEqual([
      { path: '/C/site/f', isFolder: false, operations: 'd' },
      { path: '/C/site/f', isFolder: false, operations: 'cmw' },
    ]);
  });

  test('that replaces a bound file is new content of that file', () => {
    const file = bind('/C/app.conf', '/srv/app.conf', false);
    const change = {
      kind: 'moved',
      path: '/srv/.app.conf.swp',
      to: '/srv/app.conf',
      isFolder: false,
    } as const;
    expect(eventsOf(change, [file])).toEqual([
      { share: 'C', event: { path: '/C/app.conf', isFolder: false, operations: 'cmw' } },
    ]);
  });

  test('that was lost is a rescan of each bind that it may concern', () => {
    const binds = [SITE, bind('/C/app.conf', '/srv/app.conf', false)];
    expect(eventsOf({ kind: 'rescan', path: '/srv' }, binds).map(({ event }) => event.path)).toEqual([
      '/C/site',
      '/C/app.conf',
    ]);
    expect(eventsOf({ kind: 'rescan', path: '/srv/site/a' }, binds).map(({ event }) => event.path)).toEqual([
      '/C/site/a',
    ]);
  });

  test('is never raised outside of what is bound', () => {
    const part = fc.constantFrom('site', 'sitemap', 'a', '..b');
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `/srv/${parts.join('/')}`);
    fc.assert(
      fc.property(path, path, (from, to) => {
        for (const change of [
          { kind: 'written', path: from, isFolder: false } as const,
          { kind: 'moved', path: from, to, isFolder: false } as const,
        ])
          for (const { event } of eventsOf(change, [SITE])) expect(`${event.path}/`).toMatch(/^\/C\/site\//);
      }),
    );
  });
});
