import type { ManagedResource } from '../core/host/index.js';
import type { Ipv4 } from '../core/values/index.js';
import type { Share } from './share.js';

/** A login to the file server. The password is a secret: it is never logged, shown or passed as an argument. */
export interface SmbLogin {
  readonly user: string;
  /** Empty for a local account. */
  readonly domain: string;
  readonly password: string;
}

/** Where the server listens and whom it serves. */
export interface FileServerPlace {
  /** The host's address on the VM's network; the server listens there and nowhere else. */
  readonly hostAddress: Ipv4;
  readonly vmAddress: Ipv4;
}

/** What keeps a share from being served, before the VM is even asked. */
export interface FileServerProblem {
  readonly state: 'needs-credentials' | 'refused' | 'unreachable';
  /** A sentence without its full stop. */
  readonly reason: string;
  /** What the user can do, as a sentence. */
  readonly remedy: string;
}

/** Offers folders of the host to the VM over SMB: our own Samba on Linux, the system's server on Windows. */
export interface FileServer {
  /**
   * What has to exist on the host to serve exactly these shares, in the order of `up`: account, server, shares,
   * firewall rule. Ensuring the list for other shares adds and removes what differs, while the rest is served on.
   */
  resources(place: FileServerPlace, shares: readonly Share[]): readonly ManagedResource[];
  /** `//10.0.75.1/C`; case and characters of the id that SMB cannot carry are written differently. */
  unc(place: FileServerPlace, share: Share): string;
  /** The TCP port that it listens on, or will: 445, unless another server has that one. */
  port(): Promise<number>;
  /** @throws MobyvmError MOBYVM_SHARE_CREDENTIALS if the account's password is not known */
  login(share: Share, signal: AbortSignal): Promise<SmbLogin>;
  /** Looks at the host's side of one share: folder, server, account. Undefined if all is well. */
  problemOf(
    place: FileServerPlace,
    share: Share,
    signal: AbortSignal,
  ): Promise<FileServerProblem | undefined>;
  /** Ends what runs in or for the daemon's process. */
  close(): Promise<void>;
}
