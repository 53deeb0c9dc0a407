import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostChange } from '../../../../src/share/events/host-watcher.js';
import { FANOTIFY, type FanotifyEvent } from '../../../../src/share/events/linux/fanotify.codec.js';
import { FolderWatch } from '../../../../src/share/events/linux/folder-watch.js';

/** Keys are paths here, as long as nothing is moved. */
let root: string;
let changes: HostChange[];
let ownPids: number[];
let watch: FolderWatch;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mobyvm-folder-watch-'));
  await mkdir(join(root, 'a'));
  changes = [];
  ownPids = [];
  watch = new FolderWatch({
    fileSystems: {
      mark: () => undefined,
      idOf: () => new Uint8Array(8),
      keyOf: (path) => path,
      breathe: () => undefined,
    },
    isOwnWriter: (pid) => ownPids.includes(pid),
    report: (change) => changes.push(change),
  });
  expect(watch.setRoots([{ path: root }])).toEqual([]);
});
afterEach(() => rm(root, { recursive: true }));

function event(mask: number, folder: string, name: string, pid = 7): FanotifyEvent {
  const target = join(folder, name);
  return { mask, pid, entry: { folder, name }, from: undefined, to: undefined, target };
}
const kinds = (): string[] => changes.map(({ kind }) => kind);

describe('events of a file system', () => {
  test('that were lost are a rescan, and the folders are read again', async () => {
    await mkdir(join(root, 'missed'));
    watch.take({ ...event(FANOTIFY.overflow, '', ''), entry: undefined });
    expect(changes).toEqual([{ kind: 'rescan', path: root }]);
    watch.take(event(FANOTIFY.create, join(root, 'missed'), 'f'));
    expect(changes.at(-1)).toEqual({ kind: 'created', path: join(root, 'missed/f'), isFolder: false });
  });

  test('that the kernel merged keep a possible order', () => {
    watch.take(event(FANOTIFY.delete | FANOTIFY.create | FANOTIFY.closeWrite | FANOTIFY.modify, root, 'f'));
    expect(kinds()).toEqual(['created', 'modified', 'written', 'deleted']);
  });

  test('of the file server are silent, but the folders that it makes are watched', () => {
    ownPids = [5];
    watch.take(event(FANOTIFY.create | FANOTIFY.isFolder, root, 'new', 5));
    expect(changes).toEqual([]);
    watch.take(event(FANOTIFY.create, join(root, 'new'), 'f'));
    expect(changes).toHaveLength(1);
  });

  test('elsewhere, or of names that are not UTF-8, mean nothing', () => {
    watch.take(event(FANOTIFY.modify, '/elsewhere', 'f'));
    watch.take({ ...event(FANOTIFY.modify, root, 'f'), entry: { folder: root, name: undefined } });
    watch.take({ ...event(FANOTIFY.attributes, root, 'f'), entry: undefined });
    watch.take({ ...event(FANOTIFY.rename, root, 'f'), entry: undefined });
    expect(changes).toEqual([]);
  });
});
