import type { ManagedResource } from '../../core/host/index.js';
import type { Subnet } from '../../core/values/index.js';
import type { NetworkChange, NetworkWatch } from '../../vm/index.js';
import type { Settings } from '../settings/schema.js';

/** A port of the host's address that the VM may reach, besides DNS, DHCP and ping. */
export interface HostService {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

/** What something else on the host does to our network, with what the user can do about it. */
export interface Obstacle {
  /** Stable; the same obstacle is reported once. */
  readonly id: string;
  readonly problem: string;
  readonly remedy: string;
}

/** A VM that runs already: its network stays as it is. */
export interface RunningNetwork {
  /** The tap device or switch that it is attached to, if that is known. */
  readonly attachment: string | undefined;
}

/**
 * The VM's network on one platform: bridge and nftables table on Linux, switch and NAT network on Windows.
 *
 * INVARIANT: `prepare` comes before `attachment` and `resources` for a start.
 */
export interface HostNetwork {
  /** Of the bridge or the switch. */
  readonly name: string;
  /** What the VM's network adapter attaches to: a tap device or a switch. */
  readonly attachment: string;
  /**
   * Chooses name and subnet. A running VM keeps what it has, even if something collides with it by now.
   * @throws MobyvmError MOBYVM_SUBNET_IN_USE, MOBYVM_NO_FREE_SUBNET
   */
  prepare(settings: Settings, running: RunningNetwork | undefined, signal: AbortSignal): Promise<Subnet>;
  /** In the order of `up`. */
  resources(subnet: Subnet, services: readonly HostService[], settings: Settings): readonly ManagedResource[];
  /** Everything that we may have made, with the settings of earlier daemons as well: for its removal. */
  made(): Promise<readonly ManagedResource[]>;
  /**
   * A cheap look at what may be missing for seconds only: the rules that keep other machines from the VM's servers.
   * Absent where nothing is cheaper than observing the resource.
   */
  readonly isGuarded?: (signal: AbortSignal) => Promise<boolean>;
  /** Announces changes, so that they need not be looked for as often. Absent where nothing does. */
  readonly watch?: (onChange: (change: NetworkChange) => void) => NetworkWatch;
  /** Overlapping networks, rules of other programs that drop the VM's packets. Changes nothing. */
  obstacles(subnet: Subnet, signal: AbortSignal): Promise<readonly Obstacle[]>;
}
