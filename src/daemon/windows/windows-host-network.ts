import type { Ledger, ManagedResource } from '../../core/host/index.js';
import { formatSubnet, parseSubnet, type Subnet } from '../../core/values/index.js';
import type { PowerShell } from '../../powershell/index.js';
import {
  earlierWindowsNetwork,
  findOverlap,
  gatherWindowsNetworks,
  hostRules,
  planSubnet,
  switchDevice,
  switchSubnet,
  windowsNetwork,
  type NetworkOwner,
} from '../../vm/index.js';
import type { HostNetwork, HostService, Obstacle, RunningNetwork } from '../host-side/host-network.js';
import type { Settings } from '../settings/schema.js';

export interface WindowsHostNetworkOptions {
  readonly powerShell: PowerShell;
  readonly machineId: string;
  readonly ledger: Ledger;
  /** Absolute path of the node.exe that ships with mobyvm: firewall rules name it. */
  readonly program: string;
  /** True while a saved VM exists: its memory holds its address, so switch and NAT network stay. */
  readonly isNeeded: (signal: AbortSignal) => Promise<boolean>;
  /** Of the switch; `mobyvm` if absent. */
  readonly name?: string;
}

/** Internal switch, the host's address on it, NAT network and firewall rules on a Windows host. */
export class WindowsHostNetwork implements HostNetwork {
  readonly #options: WindowsHostNetworkOptions;
  readonly name: string;

  constructor(options: WindowsHostNetworkOptions) {
    this.#options = options;
    this.name = options.name ?? 'mobyvm';
  }

  get attachment(): string {
    return this.name;
  }

  async prepare(
    { network }: Settings,
    running: RunningNetwork | undefined,
    signal: AbortSignal,
  ): Promise<Subnet> {
    const { powerShell, isNeeded } = this.#options;
    // A running or saved VM has its address in its memory.
    const isKept = running !== undefined || (await isNeeded(signal));
    const present = isKept ? await switchSubnet(powerShell, this.name, signal) : undefined;
    if (present !== undefined) return present;
    const host = await gatherWindowsNetworks(powerShell, signal);
    const wanted = network.subnet === 'auto' ? 'auto' : parseSubnet(network.subnet);
    return planSubnet({ wanted, bridge: switchDevice(this.name), host });
  }

  resources(
    subnet: Subnet,
    services: readonly HostService[],
    { network, ports }: Settings,
  ): readonly ManagedResource[] {
    return windowsNetwork({
      ...this.#owner,
      name: this.name,
      subnet,
      nat: network.nat,
      rules: hostRules({
        program: this.#options.program,
        services,
        isLanAllowed: ports.exposeTo !== 'localhost',
      }),
    }).resources;
  }

  made(): Promise<readonly ManagedResource[]> {
    return earlierWindowsNetwork(this.#owner);
  }

  async obstacles(subnet: Subnet, signal: AbortSignal): Promise<readonly Obstacle[]> {
    const host = await gatherWindowsNetworks(this.#options.powerShell, signal);
    const overlap = findOverlap(subnet, switchDevice(this.name), host);
    if (overlap === undefined) return [];
    return [
      {
        id: `overlap ${overlap.by}`,
        problem: `The VM's network ${formatSubnet(subnet)} overlaps ${overlap.by}; packets may take the wrong route.`,
        remedy:
          'Run `mobyvm restart`: it chooses another subnet if network.subnet is "auto". Otherwise set network.subnet.',
      },
    ];
  }

  get #owner(): NetworkOwner {
    const { powerShell, machineId, ledger, isNeeded } = this.#options;
    return { powerShell, machineId, ledger, isNeeded };
  }
}
