import { timeLimit, type Logger, type ManagedResource } from '../../core/host/index.js';
import { textOf, type Ipv4 } from '../../core/values/index.js';
import {
  Publisher,
  startLoopbackRelay,
  startPortControl,
  type ContainerList,
  type OwnServer,
  type PortControl,
  type PortFacts,
  type PublishedPort,
} from '../../proxy/index.js';
import { GUEST_LINK_PORT } from '../../share/index.js';
import type { HostService } from '../host-side/host-network.js';
import { ServerSlot, type ClosableServer } from '../server-slot.js';
import type { Settings } from '../settings/schema.js';
import { listedPorts, onHostNetwork } from './listed-ports.plan.js';

/**
 * The port of the host's address on the switch at which the guest requests ports, as in
 * guest/port-proxy/port-proxy.c.
 */
export const PORT_CONTROL_PORT = 2374;

const ENGINE_PORTS = [2375, 2376].map((hostPort) => ({ protocol: 'tcp', hostPort }) as const);
/** UDP 68: the guest's DHCP client. */
const VM_PORTS = [...ENGINE_PORTS, { protocol: 'udp', hostPort: 68 } as const];
/** At the host's address on the switch. */
const SERVERS: readonly OwnServer[] = [
  { protocol: 'udp', hostPort: 53, name: "mobyvm's DNS server" },
  { protocol: 'tcp', hostPort: 53, name: "mobyvm's DNS server" },
  { protocol: 'udp', hostPort: 67, name: "mobyvm's DHCP server" },
  { protocol: 'tcp', hostPort: PORT_CONTROL_PORT, name: "mobyvm's server for published ports" },
  { protocol: 'tcp', hostPort: GUEST_LINK_PORT, name: "mobyvm's server for shares" },
];

const ASK_ENGINE_MS = 5_000;
/** Containers often start and stop in groups: the engine is asked once for all of them. */
const DOUBT_MS = 1_500;

export interface PortsOptions {
  /** The secret that the guest's requests carry; undefined before the first start. */
  readonly token: () => string | undefined;
  /** Called with whether a request carried it. */
  readonly onToken?: (isRight: boolean) => void;
  /** The engine's running containers. */
  readonly containers: (signal: AbortSignal) => Promise<ContainerList>;
  readonly portFacts: PortFacts;
  readonly logger: Logger;
}

export interface PortsPlace {
  readonly hostAddress: Ipv4;
  readonly vmAddress: Ipv4;
  /** The VM's second address, as in guest/overlay/usr/lib/mobyvm/network.sh. */
  readonly relayAddress: Ipv4;
}

interface PortServer extends ClosableServer {
  readonly publisher: Publisher;
  readonly control: PortControl;
}

/**
 * The ports that containers publish on this host, and the relay to ports of the host's own loopback address.
 */
export class Ports {
  readonly #options: PortsOptions;
  readonly #slot = new ServerSlot<PortServer>('ports', 'published ports');
  readonly #relay = new ServerSlot('host-loopback', "relay to the host's own ports");
  #relayed: readonly number[] = [];
  #doubt: NodeJS.Timeout | undefined;
  #onHostNetwork: readonly string[] = [];

  constructor(options: PortsOptions) {
    this.#options = options;
  }

  /** The ports of the host that the guest must be able to reach. */
  services({ network }: Settings): readonly HostService[] {
    return [PORT_CONTROL_PORT, ...network.hostLoopbackPorts].map((port) => ({ protocol: 'tcp', port }));
  }

  resources(place: PortsPlace, { ports, network }: Settings): readonly ManagedResource[] {
    const { hostLoopbackPorts } = network;
    const { hostAddress: address } = place;
    const relay = { address, ports: hostLoopbackPorts };
    return [
      this.#slot.resource({ ...place, ...ports }, () => this.#start(place, ports)),
      ...(hostLoopbackPorts.length === 0 && this.#relay.current === undefined
        ? []
        : [this.#relay.resource(relay, () => this.#startRelay(relay))]),
    ];
  }

  async close(): Promise<void> {
    clearTimeout(this.#doubt);
    await Promise.all([this.#slot.close(), this.#relay.close()]);
  }

  /** The VM has ended. */
  guestLost(): void {
    this.#slot.current?.publisher.guestLost();
    this.#slot.current?.control.dropAll();
    this.#onHostNetwork = [];
  }

  /** Makes the listeners match the engine's list of containers; does nothing while it does not answer. */
  async audit(): Promise<void> {
    const server = this.#slot.current;
    if (server === undefined) return;
    const askedAtMs = performance.now();
    try {
      const containers = await this.#options.containers(timeLimit(ASK_ENGINE_MS));
      if (this.#slot.current !== server) return;
      this.#onHostNetwork = onHostNetwork(containers);
      await server.publisher.audit(listedPorts(containers), askedAtMs);
    } catch (error) {
      this.#options.logger.debug('ports.audit.failed', { reason: textOf(error) });
    }
  }

  /** Audits first, if the engine answers. */
  async list(): Promise<readonly PublishedPort[]> {
    await this.audit();
    return this.known();
  }

  /** As of the last audit, with their present counters. */
  known(): readonly PublishedPort[] {
    return this.#slot.current?.publisher.list() ?? [];
  }

  counts(): Record<PublishedPort['state'], number> {
    const counts = { open: 0, waiting: 0, failed: 0 };
    for (const { state } of this.known()) counts[state] += 1;
    return counts;
  }

  /** Containers with `--network host`, as of the last audit: they have the VM's network, and publish nothing. */
  hostNetworkContainers(): readonly string[] {
    return this.#onHostNetwork;
  }

  async #start(
    { vmAddress, relayAddress, hostAddress }: PortsPlace,
    { exposeTo }: Settings['ports'],
  ): Promise<PortServer> {
    const { logger, token, onToken, portFacts } = this.#options;
    const publisher = new Publisher({
      vmAddress,
      relayAddress,
      switchAddress: hostAddress,
      ownServers: () => [...SERVERS, ...this.#relayed.map(relayOf)],
      exposure: exposeTo,
      portFacts,
      vmPorts: VM_PORTS,
      logger,
      onDoubt: () => this.#auditSoon(),
    });
    const place = { address: hostAddress, port: PORT_CONTROL_PORT };
    const control = await startPortControl({
      ...place,
      token,
      ...(onToken && { onToken }),
      leases: publisher,
      portFacts,
      logger,
    });
    return {
      publisher,
      control,
      close: async () => {
        await control.close();
        await publisher.close();
      },
    };
  }

  async #startRelay(relay: {
    readonly address: string;
    readonly ports: readonly number[];
  }): Promise<ClosableServer> {
    const { portFacts } = this.#options;
    this.#relayed = relay.ports;
    // What is published on all addresses leaves this one to the relay.
    await this.#slot.current?.publisher.makeWay();
    return startLoopbackRelay({ ...relay, portFacts, onTrouble: this.#trouble });
  }

  #auditSoon(): void {
    clearTimeout(this.#doubt);
    this.#doubt = setTimeout(() => void this.audit(), DOUBT_MS).unref();
  }

  readonly #trouble = (event: `ports.${string}`, reason: string): void => {
    this.#options.logger.debug(event, { reason });
  };
}

function relayOf(hostPort: number): OwnServer {
  return { protocol: 'tcp', hostPort, name: 'the setting network.hostLoopbackPorts' };
}
