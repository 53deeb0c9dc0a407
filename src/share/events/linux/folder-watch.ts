import { readdirSync, type Dirent } from 'node:fs';
import { MobyvmError, textOf } from '../../../core/values/index.js';
import type { HostChange, WatchedFolder, WatchProblem } from '../host-watcher.js';
import { FANOTIFY, type FanotifyEvent, type FolderEntry } from './fanotify.codec.js';
import { FolderTree } from './folder-tree.js';

/** What is asked of the system; fanotify-calls.ts implements it. */
export interface FileSystems {
  /** From now on its events come; nothing happens if they do already. */
  mark(path: string): void;
  /** A key that changes from one file system to the next. */
  idOf(path: string): Uint8Array;
  keyOf(path: string, fsid: Uint8Array): string;
  /** Called from time to time while a large tree is read: takes the events that wait. */
  breathe(): void;
}

export interface FolderWatchOptions {
  readonly fileSystems: FileSystems;
  readonly isOwnWriter: (pid: number) => boolean;
  readonly report: (change: HostChange) => void;
}

/** Enough for any project; a tree beyond it is watched, but its files are not listed when it is moved in. */
const MAX_LISTED = 100_000;
const BREATHE_AFTER_FOLDERS = 200;

/** Turns events of whole file systems into changes of the watched folders. */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  #tree = new FolderTree();
  #roots: readonly WatchedFolder[] = [];
  /** Reported as found in a folder that was moved in; their own events, which may still come, are dropped. */
  readonly #found = new Set<string>();
  #readFolders = 0;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  setRoots(roots: readonly WatchedFolder[]): readonly WatchProblem[] {
    this.#roots = roots;
    this.#tree = new FolderTree();
    this.#found.clear();
    return roots.flatMap((root) => this.#addRoot(root));
  }

  /** All events that were waiting have been taken. */
  drained(): void {
    this.#found.clear();
  }

  take(event: FanotifyEvent): void {
    if ((event.mask & FANOTIFY.overflow) !== 0) return this.#lost();
    const isFolder = (event.mask & FANOTIFY.isFolder) !== 0;
    const isSilent = (): boolean => this.#options.isOwnWriter(event.pid);
    if ((event.mask & FANOTIFY.rename) !== 0) this.#renamed(event, isFolder, isSilent);
    else if (event.entry !== undefined) this.#changed(event, event.entry, isFolder, isSilent);
  }

  #changed(
    { mask, target }: FanotifyEvent,
    { folder, name }: FolderEntry,
    isFolder: boolean,
    isSilent: () => boolean,
  ): void {
    const path = name === undefined ? undefined : this.#tree.pathOf(folder, name);
    if (name === undefined || path === undefined) return;
    if (isFolder && target !== undefined && (mask & FANOTIFY.create) !== 0)
      this.#tree.add(target, folder, name);
    if (isFolder && target !== undefined && (mask & FANOTIFY.delete) !== 0) this.#tree.remove(target);
    if (isSilent()) return;
    const { report } = this.#options;
    if ((mask & FANOTIFY.create) !== 0 && !this.#found.delete(path))
      report({ kind: 'created', path, isFolder });
    if ((mask & FANOTIFY.modify) !== 0) report({ kind: 'modified', path, isFolder });
    if ((mask & FANOTIFY.attributes) !== 0) report({ kind: 'attributes', path, isFolder });
    if ((mask & FANOTIFY.closeWrite) !== 0) report({ kind: 'written', path, isFolder });
    if ((mask & FANOTIFY.delete) !== 0) report({ kind: 'deleted', path, isFolder });
  }

  #renamed({ from, to, target }: FanotifyEvent, isFolder: boolean, isSilent: () => boolean): void {
    const path = this.#pathOf(from);
    const newPath = this.#pathOf(to);
    if (path === undefined && newPath === undefined) return;
    const { report } = this.#options;
    const isReported = !isSilent();
    if (newPath === undefined) {
      if (target !== undefined) this.#tree.remove(target);
      if (isReported && path !== undefined) report({ kind: 'deleted', path, isFolder });
      return;
    }
    const isKnown = target !== undefined && this.#tree.has(target);
    if (isKnown && to?.name !== undefined) this.#tree.move(target, to.folder, to.name);
    if (isReported && path !== undefined) report({ kind: 'moved', path, to: newPath, isFolder });
    else if (isReported) this.#reportFound(newPath, isFolder);
    if (isFolder && !isKnown && to?.name !== undefined && target !== undefined)
      this.#movedIn({
        key: target,
        folder: to.folder,
        name: to.name,
        path: newPath,
        isReported: isReported && path === undefined,
      });
  }

  #movedIn(found: { key: string; folder: string; name: string; path: string; isReported: boolean }): void {
    if (!this.#tree.add(found.key, found.folder, found.name)) return;
    try {
      const fsid = this.#options.fileSystems.idOf(found.path);
      this.#read(found.path, found.key, fsid, found.isReported);
    } catch {
      // It is gone again, which the next events tell.
    }
  }

  #reportFound(path: string, isFolder: boolean): void {
    const { report } = this.#options;
    report({ kind: 'created', path, isFolder });
    if (isFolder) return;
    report({ kind: 'modified', path, isFolder });
    report({ kind: 'written', path, isFolder });
  }

  #pathOf(entry: FolderEntry | undefined): string | undefined {
    return entry?.name === undefined ? undefined : this.#tree.pathOf(entry.folder, entry.name);
  }

  /** The kernel's queue was full. */
  #lost(): void {
    this.setRoots(this.#roots);
    for (const { path } of this.#roots) this.#options.report({ kind: 'rescan', path });
  }

  #addRoot(root: WatchedFolder): readonly WatchProblem[] {
    const { fileSystems } = this.#options;
    try {
      fileSystems.mark(root.path);
      const fsid = fileSystems.idOf(root.path);
      const key = fileSystems.keyOf(root.path, fsid);
      this.#tree.addRoot(key, root.path, root.only);
      if (root.only === undefined) this.#read(root.path, key, fsid, false);
      return [];
    } catch (error) {
      const remedy = error instanceof MobyvmError ? error.remedy : 'Check that the folder can be read.';
      return [{ path: root.path, reason: textOf(error), remedy }];
    }
  }

  /** Adds the folders below; the events of whatever is created meanwhile come later. */
  #read(folder: string, folderKey: string, fsid: Uint8Array, isReported: boolean): void {
    const waiting = [{ path: folder, key: folderKey, fsid }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if ((this.#readFolders += 1) % BREATHE_AFTER_FOLDERS === 0) this.#options.fileSystems.breathe();
      for (const { name, isFolder } of entriesOf(next.path)) {
        const path = next.path.endsWith('/') ? `${next.path}${name}` : `${next.path}/${name}`;
        if (isReported && this.#found.size < MAX_LISTED) {
          this.#found.add(path);
          this.#reportFound(path, isFolder);
        }
        const below = isFolder ? this.#addBelow(path, next.key, name, next.fsid) : undefined;
        if (below !== undefined) waiting.push({ path, ...below });
      }
    }
  }

  /** Undefined if it is gone, or known. */
  #addBelow(
    path: string,
    parentKey: string,
    name: string,
    fsid: Uint8Array,
  ): { key: string; fsid: Uint8Array } | undefined {
    const { fileSystems } = this.#options;
    try {
      const ownFsid = fileSystems.idOf(path);
      // Something is mounted there.
      if (Buffer.compare(ownFsid, fsid) !== 0) fileSystems.mark(path);
      const key = fileSystems.keyOf(path, ownFsid);
      return this.#tree.add(key, parentKey, name) ? { key, fsid: ownFsid } : undefined;
    } catch {
      return undefined;
    }
  }
}

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
}

/** Names that are not UTF-8 are left out: SMB cannot carry them. */
function entriesOf(folder: string): Entry[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter(({ name }) => !name.includes('\uFFFD'))
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }));
}
