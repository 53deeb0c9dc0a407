import type { Ledger, ManagedResource } from '../../core/host/index.js';
import { formatSubnet, hostAt, parseSubnet, type Ipv4, type Subnet } from '../../core/values/index.js';
import { refuseEngineOverlap } from '../settings/engine-networks.plan.js';
import type { DhcpLease } from '../../proxy/index.js';
import type { FileServerPlace } from '../../share/index.js';
import type { NetworkChange, NetworkWatch } from '../../vm/index.js';
import type { Settings } from '../settings/schema.js';
import type { ShareServices } from '../shares/share-services.js';
import { vmAddressIn, type ServicesForGuest } from './guest-services.js';
import type { HostNetwork, Obstacle, RunningNetwork } from './host-network.js';
import type { HostSide } from './host-side.js';
import type { NetworkDescription } from '../machine/machine-status.js';

/** Servers that are being closed need no addresses. */
const ANY_SUBNET = parseSubnet('10.0.75.0/24');

/** Ids of the servers for published ports and for the guest's links. */
const CONNECTED: readonly string[] = ['ports', 'share-links'];

export interface MachineHostOptions {
  readonly network: HostNetwork;
  readonly services: ServicesForGuest;
  readonly shares: Pick<ShareServices, 'hostServices' | 'resources'>;
  readonly ledger: Ledger;
  /** The network namespace that the daemon runs in, if it was told to use one. */
  readonly namespace: string | undefined;
}

/** Joins one platform's network with the services that are the same on all. */
export class MachineHost implements HostSide {
  readonly #options: MachineHostOptions;
  #subnet: Subnet | undefined;

  constructor(options: MachineHostOptions) {
    this.#options = options;
  }

  /** The VM's address, once it is chosen. */
  get vmAddress(): Ipv4 | undefined {
    return this.#subnet === undefined ? undefined : vmAddressIn(this.#subnet);
  }

  async prepare(settings: Settings, running: RunningNetwork | undefined, signal: AbortSignal): Promise<void> {
    if (running === undefined) this.#options.services.expectLease();
    const subnet = await this.#options.network.prepare(settings, running, signal);
    refuseEngineOverlap(settings, subnet);
    this.#subnet = subnet;
  }

  resources(settings: Settings): readonly ManagedResource[] {
    const { network, services, shares } = this.#options;
    if (this.#subnet === undefined) return [];
    const admitted = [...services.hostServices(settings), ...shares.hostServices()];
    return [
      ...network.resources(this.#subnet, admitted, settings),
      ...services.resources(this.#subnet, settings),
      ...shares.resources(placeIn(this.#subnet)),
    ];
  }

  async made(settings: Settings): Promise<readonly ManagedResource[]> {
    const { network, services, shares } = this.#options;
    const subnet = this.#subnet ?? ANY_SUBNET;
    return [
      ...(await network.made()),
      ...services.resources(subnet, settings),
      ...shares.resources(placeIn(subnet)),
    ];
  }

  connections(settings: Settings): readonly ManagedResource[] {
    const { services, shares } = this.#options;
    const subnet = this.#subnet ?? ANY_SUBNET;
    return [...services.resources(subnet, settings), ...shares.resources(placeIn(subnet))].filter(({ id }) =>
      CONNECTED.includes(id),
    );
  }

  forget(): void {
    this.#subnet = undefined;
  }

  async isGone(): Promise<boolean> {
    return (await this.#options.ledger.list()).every(({ kind }) => kind === 'network-namespace');
  }

  hasLease(): boolean {
    return this.#options.services.hasLease;
  }

  askedForAddress(): boolean {
    return this.#options.services.askedForAddress;
  }

  leases(): readonly DhcpLease[] {
    return this.#options.services.leases();
  }

  describe(): NetworkDescription {
    const { namespace, network } = this.#options;
    const subnet = this.#subnet;
    return {
      name: network.name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(subnet === undefined
        ? {}
        : {
            subnet: formatSubnet(subnet),
            hostAddress: hostAt(subnet, 1),
            vmAddress: vmAddressIn(subnet),
          }),
    };
  }

  async isGuarded(signal: AbortSignal): Promise<boolean> {
    return this.#subnet === undefined || (await this.#options.network.isGuarded?.(signal)) !== false;
  }

  watch(onChange: (change: NetworkChange) => void): NetworkWatch | undefined {
    return this.#options.network.watch?.(onChange);
  }

  async obstacles(signal: AbortSignal): Promise<readonly Obstacle[]> {
    return this.#subnet === undefined ? [] : this.#options.network.obstacles(this.#subnet, signal);
  }
}

function placeIn(subnet: Subnet): FileServerPlace {
  return { hostAddress: hostAt(subnet, 1), vmAddress: vmAddressIn(subnet) };
}
