import type { ManagedResource } from '../../core/host/index.js';
import type { DhcpLease } from '../../proxy/index.js';
import type { NetworkChange, NetworkWatch } from '../../vm/index.js';
import type { Settings } from '../settings/schema.js';
import type { Obstacle, RunningNetwork } from './host-network.js';
import type { NetworkDescription } from '../machine/machine-status.js';

/** The host's part of the machine: its network and the services for the guest. */
export interface HostSide {
  /**
   * Chooses the addresses.
   * @throws MobyvmError MOBYVM_SUBNET_IN_USE, MOBYVM_NO_FREE_SUBNET
   */
  prepare(settings: Settings, running: RunningNetwork | undefined, signal: AbortSignal): Promise<void>;
  /** What the VM needs before it starts, in the order of `up`. Empty before the first `prepare`. */
  resources(settings: Settings): readonly ManagedResource[];
  /** Everything that this daemon or an earlier one may have set up, for its removal. */
  made(settings: Settings): Promise<readonly ManagedResource[]>;
  /** Of these, the servers to which the guest keeps connections. */
  connections(settings: Settings): readonly ManagedResource[];
  /** It was all removed. */
  forget(): void;
  /** True when nothing that mobyvm made on this host is left. */
  isGone(): Promise<boolean>;
  /** True once the guest has taken its address since its start. */
  hasLease(): boolean;
  askedForAddress(): boolean;
  /** What the DHCP server has given; empty while it does not run. */
  leases(): readonly DhcpLease[];
  describe(): NetworkDescription;
  /** False when the rules are missing that keep other machines from the VM's servers; a cheap look. */
  isGuarded(signal: AbortSignal): Promise<boolean>;
  /** Undefined where changes of the host's network are not announced. */
  watch(onChange: (change: NetworkChange) => void): NetworkWatch | undefined;
  /** What other programs on the host do to the VM's network. */
  obstacles(signal: AbortSignal): Promise<readonly Obstacle[]>;
}
