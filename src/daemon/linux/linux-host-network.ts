import type { Ledger, Logger, ManagedResource } from '../../core/host/index.js';
import { formatSubnet, parseSubnet, type Subnet } from '../../core/values/index.js';
import {
  bridgeOfTap,
  bridgeSubnet,
  chooseSubnet,
  findBlockers,
  findOverlap,
  gatherHostNetworks,
  hasRules,
  linuxNetwork,
  tapNameOf,
  watchNetwork,
  type NetworkChange,
  type NetworkWatch,
} from '../../vm/index.js';
import type { HostNetwork, HostService, Obstacle, RunningNetwork } from '../host-side/host-network.js';
import type { Settings } from '../settings/schema.js';

/** Addresses do not matter when the network is removed, only names. */
const ANY_SUBNET = parseSubnet('10.0.75.0/24');

export interface LinuxHostNetworkOptions {
  readonly machineId: string;
  readonly ledger: Ledger;
  readonly logger: Logger;
}

/** Bridge, tap device, nftables table and forwarding in the network namespace of this process. */
export class LinuxHostNetwork implements HostNetwork {
  readonly #options: LinuxHostNetworkOptions;
  #bridge: string;

  constructor(options: LinuxHostNetworkOptions, settings: Settings) {
    this.#options = options;
    this.#bridge = settings.network.bridge;
  }

  get name(): string {
    return this.#bridge;
  }

  get attachment(): string {
    return tapNameOf(this.#bridge);
  }

  async prepare(
    { network }: Settings,
    running: RunningNetwork | undefined,
    signal: AbortSignal,
  ): Promise<Subnet> {
    const kept = running && bridgeOfTap(running.attachment ?? this.attachment);
    this.#bridge = kept ?? network.bridge;
    const present = running && (await bridgeSubnet(this.#bridge, signal));
    const wanted = network.subnet === 'auto' ? 'auto' : parseSubnet(network.subnet);
    return present ?? chooseSubnet({ wanted, bridge: this.#bridge }, signal);
  }

  resources(subnet: Subnet, services: readonly HostService[]): readonly ManagedResource[] {
    return this.#network(this.#bridge, subnet, services);
  }

  /** The ledger knows every bridge that we made, whatever the settings were. */
  async made(): Promise<readonly ManagedResource[]> {
    const bridges = (await this.#options.ledger.list()).filter(({ kind }) => kind === 'bridge');
    const names = new Set([...bridges.map(({ name }) => name), this.#bridge]);
    return [...names].flatMap((name) => this.#network(name, ANY_SUBNET, []));
  }

  isGuarded(signal: AbortSignal): Promise<boolean> {
    return hasRules(this.#bridge, signal);
  }

  watch(onChange: (change: NetworkChange) => void): NetworkWatch {
    return watchNetwork({ bridge: () => this.#bridge, onChange, logger: this.#options.logger });
  }

  async obstacles(subnet: Subnet, signal: AbortSignal): Promise<readonly Obstacle[]> {
    const overlap = findOverlap(subnet, this.#bridge, await gatherHostNetworks(signal));
    const blockers = await findBlockers(this.#bridge, signal);
    return [
      ...(overlap === undefined
        ? []
        : [
            {
              id: `overlap ${overlap.by}`,
              problem: `The VM's network ${formatSubnet(subnet)} overlaps ${overlap.by}; packets may take the wrong route.`,
              remedy:
                'Run `mobyvm restart`: it chooses another subnet if network.subnet is "auto". Otherwise set network.subnet.',
            },
          ]),
      ...blockers.map(({ chain, problem, remedy }) => ({ id: `blocker ${chain}`, problem, remedy })),
    ];
  }

  #network(bridge: string, subnet: Subnet, hostServices: readonly HostService[]): readonly ManagedResource[] {
    const { machineId, ledger, logger } = this.#options;
    return linuxNetwork({ machineId, bridge, subnet, hostServices, ledger, logger }).resources;
  }
}
