/** A folder of the host that the VM mounts. */
export interface Share {
  /** The drive's letter, `C`, or a name made from a Linux path: `[A-Za-z0-9_-]{1,64}`. Unique, and fixed. */
  readonly id: string;
  /** What `mobyvm share add` was given: `C`, or `/home/me/src`. */
  readonly name: string;
  /** Absolute, in the host's own form. */
  readonly hostPath: string;
  /**
   * Where it is in the VM: the first is mounted, the others are bound to it. `/C` and `/c` for a drive, the same
   * path for a Linux path.
   */
  readonly points: readonly string[];
  readonly isReadOnly: boolean;
  readonly account: ShareAccount;
  readonly owner: FileOwner;
  /** What was chosen of `owner` for this share; the settings say the rest. */
  readonly chosenOwner?: OwnerChoice | undefined;
}

/** Whose rights the VM has on the host's files. */
export type ShareAccount =
  /** mobyvm's own account, with a password that mobyvm generated. */
  | { readonly kind: 'private' }
  /** An account of the host; its password is in the credential store. `DOMAIN\user`, `user@domain` or `user`. */
  | { readonly kind: 'user'; readonly user: string };

/** How the files look in the VM: SMB carries no Unix owner. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, such as 0o777. */
  readonly fileMode: number;
  readonly directoryMode: number;
}

/** What was chosen for one share. */
export type OwnerChoice = { readonly [Part in keyof FileOwner]?: FileOwner[Part] | undefined };

/** Root and everyone's: containers run as any user. */
export const DEFAULT_OWNER: FileOwner = { uid: 0, gid: 0, fileMode: 0o777, directoryMode: 0o777 };
