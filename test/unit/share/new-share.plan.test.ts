import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findShare, newShare, type NewShare } from '../../../src/share/new-share.plan.js';
import type { PathRule } from '../../../src/share/paths/host-path.plan.js';
import { shareFile, type ShareEntry } from '../../../src/share/share-entry.js';

function asked(
  rule: PathRule,
  name: string,
  more: { path?: string; user?: string; shares?: readonly ShareEntry[] } = {},
): NewShare {
  const { path, user, shares = [] } = more;
  return newShare({ name, path, user, isReadOnly: false }, rule, shares);
}

function shared(result: NewShare): ShareEntry {
  if (result.kind === 'refused') throw new TypeError(result.message);
  return result.share;
}

const DRIVE_C = shared(asked('linux', 'C', { path: '/srv/c' }));
const SRC = shared(asked('linux', '/home/me/src'));

describe('what is shared', () => {
  test.each(['C', 'c', 'C:', 'c:\\', 'C:/'])('%s on Windows is the whole drive', (name) => {
    expect(shared(asked('windows', name))).toMatchObject({
      id: 'C',
      name: 'C',
      hostPath: 'C:\\',
      points: ['/C', '/c'],
    });
  });

  test('a folder of a drive has its place below the drive', () => {
    const share = shared(asked('windows', 'c:\\work\\a b\\'));
    expect(share).toMatchObject({ hostPath: 'C:\\work\\a b', points: ['/C/work/a b', '/c/work/a b'] });
    expect(shared(asked('windows', 'C', { path: 'C:/work/a b' }))).toEqual(share);
  });

  test('a letter on Linux is any folder', () => {
    expect(shared(asked('linux', 'd:', { path: '/srv//x/../site/' }))).toMatchObject({
      id: 'D',
      hostPath: '/srv/site',
      points: ['/D', '/d'],
      account: { kind: 'private' },
    });
  });

  test('a folder of Linux has the same path in the VM', () => {
    expect(SRC).toMatchObject({ name: '/home/me/src', hostPath: '/home/me/src', points: ['/home/me/src'] });
  });

  test('an account is kept by its name', () => {
    const share = shared(asked('windows', 'C', { user: 'CORP\\me' }));
    expect(share.account).toEqual({ kind: 'user', user: 'CORP\\me' });
  });

  test('is an entry that the file can hold, with an id of its own, whatever the path', () => {
    const ids = new Map<string, string>();
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const result = asked('linux', `/home/${segments.join('/')}`);
        if (result.kind === 'refused') return;
        const { share } = result;
        expect(shareFile.safeParse({ version: 1, shares: [share] }).success).toBe(true);
        expect(ids.get(share.id) ?? share.hostPath).toBe(share.hostPath);
        ids.set(share.id, share.hostPath);
      }),
    );
  });
});

describe('a request is refused, with a remedy, for', () => {
  test.each<[string, PathRule, string, { path?: string; user?: string }, RegExp]>([
    ['a letter without a folder on Linux', 'linux', 'C', {}, /needs a folder/],
    ['a path of Windows on Linux', 'linux', 'C:\\site', {}, /path of Windows/],
    ['a relative path', 'linux', 'src', {}, /nor a full path/],
    ['a relative folder of a letter', 'linux', 'C', { path: 'src' }, /nor a full path/],
    ['an empty path', 'linux', 'C', { path: '' }, /empty/],
    ['a network path', 'linux', '\\\\server\\x', {}, /network path/],
    ['a network path on Windows', 'windows', '//server/x', {}, /network path/],
    ['--path beside a path', 'linux', '/home/me', { path: '/srv' }, /for drive letters/],
    ['a folder that the VM needs', 'linux', '/etc', {}, /needs its own \/etc/],
    ['a folder above one that the VM needs', 'linux', '/var', {}, /needs its own \/var/],
    ['the root', 'linux', '/', {}, /needs its own/],
    ['a folder where drives are', 'linux', '/c/x', {}, /is a drive/],
    ['a line break', 'linux', '/home/a\nb', {}, /control character/],
    ['a long path', 'linux', `/home/${'x'.repeat(1_100)}`, {}, /longer/],
    ['a folder of another drive', 'windows', 'C', { path: 'D:\\x' }, /not on drive C/],
    ['dots', 'windows', 'C:\\a\\..\\b', {}, /".."/],
    ['a wildcard', 'windows', 'C:\\a*', {}, /does not allow/],
    ['an Azure AD account', 'windows', 'C', { user: 'AzureAD\\me' }, /Azure AD/],
    ['a name that is no user', 'windows', 'C', { user: 'a\nb' }, /not a user's name/],
    ['an empty user', 'windows', 'C', { user: '' }, /not a user's name/],
  ])('%s', (...[, rule, name, more, message]) => {
    const result = asked(rule, name, more);
    expect(result).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) as string });
    expect(result.kind === 'refused' && result.remedy).toMatch(/\S/);
  });

  test.each<[string, string, { path?: string }, RegExp]>([
    ['a letter that is taken', 'c', { path: '/srv/d' }, /C is shared already/],
    ['a folder that is shared', '/home/me/src/', {}, /is shared already/],
    ['a folder below one that is shared', '/home/me/src/a', {}, /part of \/home\/me\/src/],
    ['a folder above one that is shared', '/home/me', {}, /is part of \/home\/me/],
  ])('%s', (_what, name, more, message) => {
    const result = asked('linux', name, { ...more, shares: [DRIVE_C, SRC] });
    expect(result).toMatchObject({ kind: 'refused', message: expect.stringMatching(message) as string });
  });

  test('a drive of which a folder is shared', () => {
    const work = shared(asked('windows', 'C:\\work'));
    expect(asked('windows', 'C', { shares: [work] })).toMatchObject({ kind: 'refused' });
    expect(asked('windows', 'C:\\Work\\x', { shares: [shared(asked('windows', 'C'))] }).kind).toBe('refused');
    expect(asked('windows', 'C:\\workshop', { shares: [work] }).kind).toBe('share');
  });
});

test.each([
  ['C', 'C'],
  ['c:', 'C'],
  ['/home/me/src/', SRC.id],
  [SRC.id, SRC.id],
  ['D', undefined],
  ['/home', undefined],
])('%s names the share %s', (name, id) => {
  expect(findShare(name, [DRIVE_C, SRC])?.id).toBe(id);
});
