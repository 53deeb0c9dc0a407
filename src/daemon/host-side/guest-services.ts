import type { Logger, ManagedResource } from '../../core/host/index.js';
import { hostAt, type Ipv4, type Mac, type Subnet } from '../../core/values/index.js';
import {
  startDhcpServer,
  type DhcpLease,
  type DhcpOffer,
  type DhcpServer,
  type DhcpServerOptions,
} from '../../proxy/index.js';
import type { Ports } from '../ports/index.js';
import { ServerSlot } from '../server-slot.js';
import type { Settings } from '../settings/schema.js';
import type { HostService } from './host-network.js';
import type { MachinePlatform } from './machine-platform.js';
import { LeaseSinceStart } from './lease-since-start.js';
import { followUplinkMtu, type UplinkMtu } from './uplink-mtu.js';
import { startNameServer } from './name-server.js';

/** The VM's host name on its network. */
export const VM_HOSTNAME = 'moby';

export interface GuestServicesOptions {
  readonly mac: Mac;
  /** Whose rules for broadcasts the DHCP server follows, whose resolvers the DNS server asks. */
  readonly platform: Pick<MachinePlatform, 'name' | 'hostResolvers' | 'portFacts' | 'uplinkMtu'>;
  readonly ports: Ports;
  readonly logger: Logger;
}

/** What a machine's host side needs of the services; {@link GuestServices} are the real ones. */
export type ServicesForGuest = Pick<
  GuestServices,
  'askedForAddress' | 'hasLease' | 'leases' | 'expectLease' | 'hostServices' | 'resources' | 'close'
>;

/** What this host serves the VM, the same on every platform: DNS, DHCP, published ports. */
export class GuestServices {
  readonly #options: GuestServicesOptions;
  readonly #dns = new ServerSlot('dns', 'DNS server');
  readonly #dhcp = new ServerSlot<DhcpServer>('dhcp', 'DHCP server');
  readonly #lease = new LeaseSinceStart();
  #askedForAddress = false;

  constructor(options: GuestServicesOptions) {
    this.#options = options;
  }

  /** True once the guest's first DHCP message since its start was seen. */
  get askedForAddress(): boolean {
    return this.#askedForAddress;
  }

  /** True once the guest has taken its address since its start. */
  get hasLease(): boolean {
    return this.#lease.holds(this.leases());
  }

  /** Empty while the server does not run. */
  leases(): readonly DhcpLease[] {
    return this.#dhcp.current?.leases() ?? [];
  }

  /** The VM is about to start: a lease of an earlier boot no longer counts. */
  expectLease(): void {
    this.#lease.expect();
  }

  /** What the VM must be able to reach on the host besides DNS and DHCP. */
  hostServices(settings: Settings): readonly HostService[] {
    return this.#options.ports.services(settings);
  }

  resources(subnet: Subnet, settings: Settings): readonly ManagedResource[] {
    const addresses = {
      hostAddress: hostAt(subnet, 1),
      vmAddress: vmAddressIn(subnet),
      relayAddress: hostAt(subnet, 3),
    };
    return [
      this.#dnsServer(subnet, settings),
      this.#dhcpServer(subnet, settings),
      ...this.#options.ports.resources(addresses, settings),
    ];
  }

  async close(): Promise<void> {
    await Promise.all([this.#dhcp.close(), this.#dns.close(), this.#options.ports.close()]);
  }

  #dnsServer(subnet: Subnet, { network }: Settings): ManagedResource {
    const { logger, platform } = this.#options;
    const { hostResolvers, portFacts } = platform;
    const vmName = `${VM_HOSTNAME}.${network.domain}`;
    const configuration = {
      address: hostAt(subnet, 1),
      subnet,
      dnsServers: network.dnsServers,
    };
    return this.#dns.resource({ ...configuration, vmName }, (signal) => {
      const names = new Map([[vmName, vmAddressIn(subnet)]]);
      return startNameServer({ ...configuration, names, hostResolvers, portFacts, logger }, signal);
    });
  }

  #dhcpServer(subnet: Subnet, { network }: Settings): ManagedResource {
    const { mac, logger, platform } = this.#options;
    const { name: host, portFacts, uplinkMtu } = platform;
    const configuration = {
      serverAddress: hostAt(subnet, 1),
      subnet,
      lease: { mac, address: vmAddressIn(subnet), hostname: VM_HOSTNAME },
      domain: network.domain,
      mtuBytes: network.mtuBytes,
      ntpServers: network.ntpServers,
      leaseSeconds: network.leaseSeconds,
    };
    return this.#dhcp.resource(configuration, async (signal) => {
      this.#askedForAddress = false;
      const mtu = await followUplinkMtu(uplinkMtu, logger);
      const offer = (): Partial<DhcpOffer> => ({ mtuBytes: mtu.atMost(network.mtuBytes) });
      const server = await startFollowing(mtu, { ...configuration, offer, host, portFacts, logger, signal });
      this.#lease.follow(server);
      server.onDiscover(() => {
        this.#askedForAddress = true;
      });
      return server;
    });
  }
}

/** The host, which is the gateway, has the first address of the subnet; the VM the second. */
export function vmAddressIn(subnet: Subnet): Ipv4 {
  return hostAt(subnet, 2);
}

/** The server, which ends what it follows when it is closed. */
async function startFollowing(mtu: UplinkMtu, options: DhcpServerOptions): Promise<DhcpServer> {
  try {
    const server = await startDhcpServer(options);
    const close = async (): Promise<void> => {
      mtu.close();
      await server.close();
    };
    return {
      leases: () => server.leases(),
      onLease: (listener) => server.onLease(listener),
      onDiscover: (listener) => server.onDiscover(listener),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    mtu.close();
    throw error;
  }
}
