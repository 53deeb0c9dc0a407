import { CodecError, errnoOf, textOf } from '../../../core/values/index.js';
import type { FollowedFolder, FolderFollower } from '../../../windows/index.js';
import type {
  HostChange,
  HostWatcher,
  HostWatcherOptions,
  WatchedFolder,
  WatchProblem,
} from '../host-watcher.js';
import {
  changesOfNotifications,
  decodeFileNotifications,
  type FileNotification,
} from './file-notify.codec.js';

export interface WindowsWatcherOptions extends HostWatcherOptions {
  readonly follower: FolderFollower;
  /** Whether there is a folder of that name now. */
  readonly isFolder: (path: string) => boolean;
}

/**
 * Watches each folder by ReadDirectoryChangesW. Windows neither says who made a change, so that those of the VM are
 * reported as well, nor what is a folder, which is looked up afterwards.
 */
export class WindowsWatcher implements HostWatcher {
  readonly #options: WindowsWatcherOptions;
  readonly #followed = new Map<string, FollowedFolder>();
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: WindowsWatcherOptions) {
    this.#options = options;
  }

  /** Folders that stay are not interrupted. */
  watch(folders: readonly WatchedFolder[]): Promise<readonly WatchProblem[]> {
    return this.#inTurn(async () => {
      const wanted = new Map(folders.map((folder) => [keyOf(folder), folder]));
      for (const [key, followed] of this.#followed) {
        if (wanted.has(key)) continue;
        this.#followed.delete(key);
        await followed.close();
      }
      return [...wanted].flatMap(([key, folder]) =>
        this.#followed.has(key) ? [] : this.#start(key, folder),
      );
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      for (const followed of this.#followed.values()) await followed.close();
      this.#followed.clear();
      await this.#options.follower.close();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(work);
    this.#changing = result.catch(() => undefined);
    return result;
  }

  #start(key: string, folder: WatchedFolder): readonly WatchProblem[] {
    const { path } = folder;
    try {
      const followed = this.#options.follower.follow({
        path,
        isRecursive: folder.only === undefined,
        onChanges: (records) => this.#report(folder, records),
        onEnd: () => {
          this.#followed.delete(key);
          this.#options.onChanges([{ kind: 'rescan', path }]);
        },
      });
      this.#followed.set(key, followed);
      return [];
    } catch (error) {
      return [problemOf(path, error)];
    }
  }

  #report(folder: WatchedFolder, records: Uint8Array | undefined): void {
    const { path } = folder;
    const notifications = records === undefined ? undefined : wantedOf(records, folder);
    const changes =
      notifications === undefined
        ? [{ kind: 'rescan', path } as const]
        : this.#withKinds(changesOfNotifications(notifications, path));
    if (changes.length > 0) this.#options.onChanges(changes);
  }

  /** A folder is modified whenever something in it is created or deleted, which is reported already. */
  #withKinds(changes: readonly HostChange[]): readonly HostChange[] {
    return changes.flatMap((change): readonly HostChange[] => {
      switch (change.kind) {
        case 'created':
          return [{ ...change, isFolder: this.#options.isFolder(change.path) }];
        case 'moved':
          return [{ ...change, isFolder: this.#options.isFolder(change.to) }];
        case 'modified':
        case 'written':
        case 'attributes':
          return this.#options.isFolder(change.path) ? [] : [change];
        case 'deleted':
        case 'rescan':
          return [change];
      }
    });
  }
}

function keyOf({ path, only }: WatchedFolder): string {
  return JSON.stringify([path.toLowerCase(), only?.toSorted()]);
}

/** Undefined for records that cannot be read: what they say is lost. */
function wantedOf(records: Uint8Array, { only }: WatchedFolder): readonly FileNotification[] | undefined {
  const notifications = decoded(records);
  if (only === undefined || notifications === undefined) return notifications;
  const names = new Set(only.map((name) => name.toLowerCase()));
  return notifications.filter(({ name }) => names.has(name.toLowerCase()));
}

function decoded(records: Uint8Array): readonly FileNotification[] | undefined {
  try {
    return decodeFileNotifications(records);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function problemOf(path: string, error: unknown): WatchProblem {
  const errno = errnoOf(error);
  if (errno === undefined) throw error;
  const isMissing = errno === 'ENOENT';
  return {
    path,
    reason: isMissing ? 'the folder does not exist' : `it cannot be watched (${textOf(error)})`,
    remedy: isMissing
      ? 'Create the folder, then restart the container.'
      : 'Make sure that the account SYSTEM may list the folder, and that it is on a drive of this computer.',
  };
}
