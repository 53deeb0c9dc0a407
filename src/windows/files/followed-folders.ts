/** What changes in folders, by ReadDirectoryChangesW. */
export interface FolderFollower {
  /**
   * Changes made from now on are reported.
   * @throws WindowsCallError, whose `code` is an errno
   */
  follow(options: FollowOptions): FollowedFolder;
  /** All folders must be closed. Ends the thread that waits for changes. */
  close(): Promise<void>;
}

export interface FollowOptions {
  readonly path: string;
  /** With all folders below it. */
  readonly isRecursive: boolean;
  /** Records of FILE_NOTIFY_INFORMATION; none of them if there were too many changes, so that some were lost. */
  readonly onChanges: (records: Uint8Array | undefined) => void;
  /** Nothing more comes: the folder is gone, or its drive. */
  readonly onEnd: (reason: string) => void;
}

export interface FollowedFolder {
  /** Nothing is reported from now on. Repeatable. */
  close(): Promise<void>;
}
