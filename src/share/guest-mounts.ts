import type { SmbLogin } from './file-server.js';

/** What a mount goes through, in this order. */
export type MountStep = 'tcp' | 'negotiate' | 'login' | 'tree' | 'mount';

export type MountOutcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly step: MountStep;
      /** Of mount(2), Linux; 0 if the guest gave up by its own deadline. */
      readonly errno: number;
      /** What the guest's kernel said, without secrets. */
      readonly text: string;
    };

/** What the VM is to mount. */
export interface MountOrder {
  readonly id: string;
  readonly unc: string;
  readonly points: readonly string[];
  readonly login: SmbLogin;
  /** Options of mount.cifs(8), each without a comma; never a password. */
  readonly options: readonly string[];
}

/** How a mounted share answered when the guest looked at it last. */
export type MountHealth =
  | { readonly kind: 'mounted' }
  | { readonly kind: 'absent' }
  /** The server does not answer, or refuses. */
  | { readonly kind: 'broken'; readonly errno: number };

/** The VM's side of shares: mounts over the key-value exchange, health over the guest's connection. */
export interface GuestMounts {
  /**
   * Mounts, or does nothing if the same order is mounted already. Orders of different shares run side by side.
   * @throws MobyvmError MOBYVM_SHARE_GUEST if the guest does not answer
   */
  mount(order: MountOrder, signal: AbortSignal): Promise<MountOutcome>;
  /** Lazily, if containers still use it. @throws MobyvmError MOBYVM_SHARE_GUEST */
  unmount(id: string, points: readonly string[], signal: AbortSignal): Promise<void>;
  /** Asks the guest now, within a second. @throws MobyvmError MOBYVM_SHARE_GUEST if it is not connected or does not answer */
  probe(id: string, signal: AbortSignal): Promise<MountHealth>;
  /** Calls back when the guest reports a change, and for every share when it connects. @returns unsubscribes */
  onHealth(listener: (id: string, health: MountHealth) => void): () => void;
}
