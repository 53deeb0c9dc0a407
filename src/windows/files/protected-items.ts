import type { Security } from '../security.plan.js';

/** Files and folders with their owners and access lists, one call of Windows for each method. */
export interface ProtectedItems {
  /** The SID of the user that this process runs as. */
  readonly ownSid: string;
  /** Creates it with the access list. False if there is something already. @throws WindowsCallError */
  createFolder(path: string, sddl: string): boolean;
  /**
   * Opens what is there itself, never what a link leads to; undefined if there is nothing.
   * @throws WindowsCallError
   */
  open(path: string, access: 'look' | 'change'): OpenItem | undefined;
  /** The names in a folder. */
  list(path: string): readonly string[];
}

/** As long as it is open, nothing else can take its place under this object. */
export interface OpenItem extends Disposable {
  /** A link is a symbolic link or a junction, or another reparse point. */
  readonly kind: 'folder' | 'file' | 'link';
  /** @throws WindowsCallError */
  security(): Security;
  /** Replaces the access list, and the owner if the text names one. @throws WindowsCallError */
  protect(sddl: string): void;
}
