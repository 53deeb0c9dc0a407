import type { Step } from '../../core/index.js';
import type { MachineStatus } from '../control/protocol.js';
import type { Settings } from '../settings/schema.js';

/** The host's part of the machine: network, DHCP and DNS. One implementation per platform. */
export interface HostSide {
  /**
   * Chooses the addresses. A VM that runs already keeps those that it has.
   * @throws MobyvmError MOBYVM_SUBNET_IN_USE, MOBYVM_NO_FREE_SUBNET
   */
  prepare(settings: Settings, vmIsRunning: boolean, signal: AbortSignal): Promise<void>;
  /** What must stand before the VM starts, in order. Call after `prepare`. */
  steps(settings: Settings): readonly Step[];
  /** Takes all of it away again; works also when an earlier daemon had set it up. */
  removeSteps(): readonly Step[];
  hasLease(): boolean;
  askedForAddress(): boolean;
  describe(): Omit<MachineStatus['network'], 'mac'>;
}
