import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FolderTree } from '../../../../src/share/events/linux/folder-tree.js';

function tree(): FolderTree {
  const made = new FolderTree();
  made.addRoot('R', '/srv');
  made.add('a', 'R', 'a');
  made.add('b', 'a', 'b');
  return made;
}

describe('a tree of watched folders', () => {
  test('has the paths of all names in them', () => {
    const folders = tree();
    expect(folders.pathOf('R', '.')).toBe('/srv');
    expect(folders.pathOf('b', 'f')).toBe('/srv/a/b/f');
    expect(folders.pathOf('b', '.')).toBe('/srv/a/b');
    expect(folders.pathOf('x', 'f')).toBeUndefined();
  });

  test('follows a folder that is moved, with what is below it', () => {
    const folders = tree();
    folders.add('c', 'R', 'c');
    folders.move('a', 'c', 'd');
    expect(folders.pathOf('b', 'f')).toBe('/srv/c/d/b/f');
  });

  test('forgets a folder that is removed or moved away, with what is below it', () => {
    for (const leave of [
      (folders: FolderTree) => folders.remove('a'),
      (folders: FolderTree) => folders.move('a', 'x', 'a'),
    ]) {
      const folders = tree();
      leave(folders);
      expect(folders.size).toBe(1);
      expect(folders.pathOf('b', 'f')).toBeUndefined();
    }
  });

  test('forgets an empty folder that another one replaces', () => {
    const folders = tree();
    folders.add('c', 'R', 'c');
    folders.move('c', 'a', 'b');
    expect(folders.has('b')).toBe(false);
    expect(folders.pathOf('c', 'f')).toBe('/srv/a/b/f');
  });

  test('has nothing but the given names of a folder with single files', () => {
    const folders = new FolderTree();
    folders.addRoot('R', '/', ['app.conf']);
    expect(folders.add('a', 'R', 'app.conf')).toBe(false);
    expect(folders.pathOf('R', 'app.conf')).toBe('/app.conf');
    expect(folders.pathOf('R', 'other')).toBeUndefined();
  });

  test('never becomes a circle and never leaks, whatever is said', () => {
    const key = fc.constantFrom('R', 'a', 'b', 'c', 'd', 'e');
    const name = fc.constantFrom('1', '2', '3');
    const step = fc.oneof(
      fc.tuple(fc.constant('add' as const), key, key, name),
      fc.tuple(fc.constant('move' as const), key, key, name),
      fc.tuple(fc.constant('remove' as const), key, key, name),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const folders = tree();
        for (const [what, of, to, as] of steps)
          if (what === 'add') folders.add(of, to, as);
          else if (what === 'move') folders.move(of, to, as);
          else folders.remove(of);
        const paths = ['R', 'a', 'b', 'c', 'd', 'e'].map((each) => folders.pathOf(each, '.'));
        const known = paths.filter((path) => path !== undefined);
        expect(known.length).toBe(folders.size);
        expect(new Set(known).size).toBe(known.length);
      }),
    );
  });
});
