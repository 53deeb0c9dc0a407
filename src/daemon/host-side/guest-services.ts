import type { Logger, ManagedResource } from '../../core/host/index.js';
import { hostAt, type Ipv4, type Mac, type Subnet } from '../../core/values/index.js';
import {
  startDhcpServer,
  type DhcpLease,
  type DhcpServer,
  type DhcpServerOptions,
  type DnsServer,
  type ResolverSource,
} from '../../proxy/index.js';
import type { Ports } from '../ports/index.js';
import { ServerSlot } from '../server-slot.js';
import type { Settings } from '../settings/schema.js';
import type { HostService } from './host-network.js';
import { followHostOffer, type HostOffer } from './host-offer.js';
import type { MachinePlatform } from './machine-platform.js';
import { LeaseSinceStart } from './lease-since-start.js';
import { startNameServer, type NameServer } from './name-server.js';
import { SharedResolvers } from './shared-resolvers.js';

/** The VM's host name on its network. */
export const VM_HOSTNAME = 'moby';

export interface GuestServicesOptions {
  readonly mac: Mac;
  /** Whose rules for broadcasts the DHCP server follows, whose resolvers the DNS server asks. */
  readonly platform: Pick<
    MachinePlatform,
    'name' | 'hostResolvers' | 'hostsFile' | 'portFacts' | 'uplinkMtu'
  >;
  readonly ports: Ports;
  readonly logger: Logger;
}

/** What a machine's host side needs of the services; {@link GuestServices} are the real ones. */
export type ServicesForGuest = Pick<
  GuestServices,
  'askedForAddress' | 'hasLease' | 'leases' | 'dns' | 'expectLease' | 'hostServices' | 'resources' | 'close'
>;

/** What this host serves the VM, the same on every platform: DNS, DHCP, published ports. */
export class GuestServices {
  readonly #options: GuestServicesOptions;
  readonly #dns = new ServerSlot<NameServer>('dns', 'DNS server');
  readonly #dhcp = new ServerSlot<DhcpServer>('dhcp', 'DHCP server');
  readonly #lease = new LeaseSinceStart();
  readonly #resolvers: SharedResolvers;
  #askedForAddress = false;

  constructor(options: GuestServicesOptions) {
    this.#options = options;
    this.#resolvers = new SharedResolvers(options.platform.hostResolvers);
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

  /** The DNS server, while there is one. */
  get dns(): DnsServer | undefined {
    return this.#dns.current?.dns;
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

  #dnsServer(subnet: Subnet, { network, dns }: Settings): ManagedResource {
    const { logger, platform } = this.#options;
    const { portFacts } = platform;
    const hostResolvers = (): Promise<ResolverSource> => this.#resolvers.open();
    const vmName = `${VM_HOSTNAME}.${network.domain}`;
    const configuration = {
      address: hostAt(subnet, 1),
      subnet,
      dnsServers: network.dnsServers,
      dnsDomains: network.dnsDomains,
      hosts: dns.hosts,
      hostsFile: dns.useHostsFile ? platform.hostsFile : undefined,
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
      const followed = await followHostOffer({
        resolvers: () => this.#resolvers.open(),
        uplinkMtu,
        mtuBytes: network.mtuBytes,
        logger,
      });
      const offer = (): ReturnType<HostOffer['current']> => followed.current();
      const server = await startFollowing(followed, {
        ...configuration,
        offer,
        host,
        portFacts,
        logger,
        signal,
      });
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

/** The server; closing it also stops what it follows. */
async function startFollowing(followed: HostOffer, options: DhcpServerOptions): Promise<DhcpServer> {
  try {
    const server = await startDhcpServer(options);
    const close = async (): Promise<void> => {
      await server.close();
      await followed.close();
    };
    return {
      leases: () => server.leases(),
      onLease: (listener) => server.onLease(listener),
      onDiscover: (listener) => server.onDiscover(listener),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await followed.close();
    throw error;
  }
}
