import { describe, expect, test } from 'vitest';
import type { HostChange } from '../../../../src/share/index.js';
import { WindowsWatcher } from '../../../../src/share/events/windows/windows-watcher.js';
import type { FolderFollower, FollowOptions } from '../../../../src/windows/index.js';
import { WindowsCallError } from '../../../../src/windows/windows-call-error.js';
import { ERROR } from '../../../../src/windows/error-codes.js';

type Action = 'added' | 'removed' | 'modified' | 'renamed-from' | 'renamed-to';
const ACTIONS: readonly Action[] = ['added', 'removed', 'modified', 'renamed-from', 'renamed-to'];

/** A buffer of ReadDirectoryChangesW. */
function recordsOf(...notifications: readonly (readonly [Action, string])[]): Uint8Array {
  const records = notifications.map(([action, name], index) => {
    const length = Math.ceil((12 + name.length * 2) / 4) * 4;
    const record = Buffer.alloc(length);
    record.writeUInt32LE(index === notifications.length - 1 ? 0 : length, 0);
    record.writeUInt32LE(ACTIONS.indexOf(action) + 1, 4);
    record.writeUInt32LE(name.length * 2, 8);
    record.write(name, 12, 'utf16le');
    return record;
  });
  return Uint8Array.from(Buffer.concat(records));
}

class FakeFollower implements FolderFollower {
  readonly followed = new Map<string, FollowOptions>();
  readonly opened: string[] = [];
  isClosed = false;

  follow(options: FollowOptions): ReturnType<FolderFollower['follow']> {
    if (options.path.includes('missing')) throw new WindowsCallError('CreateFileW', ERROR.pathNotFound);
    if (options.path.includes('secret'))
      throw new WindowsCallError('CreateFileW', ERROR.accessDenied, 'denied');
    this.opened.push(options.path);
    this.followed.set(options.path, options);
    return {
      close: () => {
        this.followed.delete(options.path);
        return Promise.resolve();
      },
    };
  }

  close(): Promise<void> {
    this.isClosed = this.followed.size === 0;
    return Promise.resolve();
  }
}

function makeWatcher(folders: readonly string[] = []) {
  const follower = new FakeFollower();
  const changes: HostChange[] = [];
  const watcher = new WindowsWatcher({
    follower,
    isFolder: (path) => folders.includes(path),
    onChanges: (some) => changes.push(...some),
    onFailure: (reason) => expect.unreachable(reason),
  });
  const tell = (path: string, ...notifications: readonly (readonly [Action, string])[]): void =>
    follower.followed.get(path)?.onChanges(recordsOf(...notifications));
  return { follower, watcher, changes, tell };
}

describe('the watcher for Windows', () => {
  test('reports what happens in a folder, and what is a folder', async () => {
    const { watcher, changes, tell } = makeWatcher(['C:\\site\\new']);
    expect(await watcher.watch([{ path: 'C:\\site' }])).toEqual([]);
    tell('C:\\site', ['added', 'new'], ['added', 'new\\a'], ['modified', 'new'], ['removed', 'old']);
    expect(changes).toEqual([
      { kind: 'created', path: 'C:\\site\\new', isFolder: true },
      { kind: 'created', path: 'C:\\site\\new\\a', isFolder: false },
      { kind: 'deleted', path: 'C:\\site\\old', isFolder: false },
    ]);
  });

  test('reports the two names of a move together', async () => {
    const { watcher, changes, tell } = makeWatcher(['C:\\site\\b']);
    await watcher.watch([{ path: 'C:\\site' }]);
    tell('C:\\site', ['renamed-from', 'a'], ['renamed-to', 'b']);
    expect(changes).toEqual([{ kind: 'moved', path: 'C:\\site\\a', to: 'C:\\site\\b', isFolder: true }]);
  });

  test('says that everything may have changed when changes were lost, or the folder is gone', async () => {
    const { follower, watcher, changes } = makeWatcher();
    await watcher.watch([{ path: 'C:\\site' }]);
    follower.followed.get('C:\\site')?.onChanges(undefined);
    follower.followed.get('C:\\site')?.onChanges(Uint8Array.from([1, 2, 3]));
    follower.followed.get('C:\\site')?.onEnd('deleted');
    expect(changes).toEqual([
      { kind: 'rescan', path: 'C:\\site' },
      { kind: 'rescan', path: 'C:\\site' },
      { kind: 'rescan', path: 'C:\\site' },
    ]);
    expect(await watcher.watch([{ path: 'C:\\site' }])).toEqual([]);
    expect(follower.opened).toHaveLength(2);
  });

  test('reports only the files that were asked for, in whatever case, and no folders below', async () => {
    const { follower, watcher, changes, tell } = makeWatcher();
    await watcher.watch([{ path: 'C:\\site', only: ['App.json'] }]);
    expect(follower.followed.get('C:\\site')?.isRecursive).toBe(false);
    tell('C:\\site', ['modified', 'app.JSON'], ['added', 'other']);
    expect(changes.map(({ path }) => path)).toEqual(['C:\\site\\app.JSON', 'C:\\site\\app.JSON']);
  });

  test('keeps what stays, and ends what goes', async () => {
    const { follower, watcher } = makeWatcher();
    await watcher.watch([{ path: 'C:\\a' }, { path: 'C:\\b' }]);
    await watcher.watch([{ path: 'c:\\A' }, { path: 'C:\\c' }]);
    expect(follower.opened).toEqual(['C:\\a', 'C:\\b', 'C:\\c']);
    expect([...follower.followed.keys()]).toEqual(['C:\\a', 'C:\\c']);
    await watcher.close();
    await watcher.close();
    expect(follower.isClosed).toBe(true);
  });

  test('says which folders cannot be watched, and why', async () => {
    const { watcher } = makeWatcher();
    const problems = await watcher.watch([
      { path: 'C:\\missing' },
      { path: 'C:\\secret' },
      { path: 'C:\\a' },
    ]);
    expect(problems).toEqual([
      expect.objectContaining({ path: 'C:\\missing', reason: 'the folder does not exist' }),
      expect.objectContaining({ path: 'C:\\secret', reason: expect.stringContaining('denied') as string }),
    ]);
  });
});
