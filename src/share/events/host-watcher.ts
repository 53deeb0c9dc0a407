/** A change in a watched folder of the host. Paths are absolute, in the host's own form. */
export type HostChange =
  | {
      readonly kind: 'created' | 'deleted' | 'modified' | 'attributes' | 'written';
      readonly path: string;
      readonly isFolder: boolean;
    }
  | {
      readonly kind: 'moved';
      readonly path: string;
      readonly to: string;
      readonly isFolder: boolean;
    }
  /** Changes were lost, or there were too many: anything at and below the path may have changed. */
  | { readonly kind: 'rescan'; readonly path: string };

/** A folder to watch with everything below it, or only some files of it. */
export interface WatchedFolder {
  /** Without symbolic links. */
  readonly path: string;
  /** Names of the only files to watch; the folders in it are then not watched. */
  readonly only?: readonly string[];
}

/** Why a folder, or what is below it, is not watched. */
export interface WatchProblem {
  readonly path: string;
  /** A sentence without its full stop. */
  readonly reason: string;
  /** What the user can do, as a sentence. */
  readonly remedy: string;
}

export interface HostWatcherOptions {
  /** In the order in which they happened. Changes made by the VM through the file server are not among them. */
  readonly onChanges: (changes: readonly HostChange[]) => void;
  /** The watcher ended by itself; it sees nothing any more. */
  readonly onFailure: (reason: string) => void;
}

/**
 * Reports what changes in folders of the host: once, in order, for everything below them, including what is in folders
 * that have just been created. Symbolic links are not followed.
 */
export interface HostWatcher {
  /**
   * Replaces the folders that are watched; none contains another. Changes made after it resolves are reported.
   * @returns what is not watched. A folder that does not exist is a problem like others.
   */
  watch(folders: readonly WatchedFolder[]): Promise<readonly WatchProblem[]>;
  close(): Promise<void>;
}
