import type { Step } from '../../core/host/index.js';
import type { MachineStatus } from '../../protocol/messages.js';
import type { Settings } from '../settings/schema.js';

/** The host's part of the machine: network, DHCP and DNS. One implementation per platform. */
export interface HostSide {
  /**
   * Chooses the addresses.
   * @param running a VM that runs already, with the device that it hangs on if that is known: it keeps what it has
   * @throws MobyvmError MOBYVM_SUBNET_IN_USE, MOBYVM_NO_FREE_SUBNET
   */
  prepare(
    settings: Settings,
    running: { readonly attachment: string | undefined } | undefined,
    signal: AbortSignal,
  ): Promise<void>;
  /** What must stand before the VM starts, in order. Call after `prepare`. */
  steps(settings: Settings): readonly Step[];
  /** Takes all of it away again; works also when an earlier daemon had set it up. */
  removeSteps(): readonly Step[];
  /** True when nothing of what mobyvm made on this host is left. */
  isGone(): Promise<boolean>;
  /** True once the guest has taken its address since its start. */
  hasLease(): boolean;
  askedForAddress(): boolean;
  describe(): Omit<MachineStatus['network'], 'mac'>;
  /** Looks for networks that came later and overlap ours, and warns of each once. */
  checkNetwork(signal: AbortSignal): Promise<void>;
}
