import type { Ledger, Logger, Step } from '../../core/host/index.js';
import {
  formatSubnet,
  hostAt,
  parseSubnet,
  type Ipv4,
  type Mac,
  type Subnet,
} from '../../core/values/index.js';
import { startDhcpServer, type DhcpServer } from '../../proxy/index.js';
import {
  bridgeOfTap,
  bridgeSubnet,
  chooseSubnet,
  gatherHostNetworks,
  linuxNetwork,
  tapNameOf,
  type HostService,
  type LinuxNetwork,
} from '../../vm/index.js';
import type { Ports } from '../ports/index.js';
import type { Settings } from '../settings/schema.js';
import type { HostSide } from './host-side.js';
import { LeaseSinceStart } from './lease-since-start.js';
import { startNameServer } from './name-server.js';
import { OverlapWatch } from './overlap-watch.js';
import { ServerSlot } from '../server-slot.js';

/** The VM's name on its network. */
export const VM_HOSTNAME = 'moby';
/** Only names matter when the network is taken away, not addresses. */
const ANY_SUBNET = parseSubnet('10.0.75.0/24');

export interface LinuxHostOptions {
  readonly machineId: string;
  readonly mac: Mac;
  /** The network namespace that the daemon runs in, if it was told to. */
  readonly namespace: string | undefined;
  readonly ledger: Ledger;
  readonly resolvConfPath: string;
  readonly ports: Ports;
  readonly logger: Logger;
}

/** Bridge, tap, rules, DHCP and DNS on a Linux host. */
export class LinuxHost implements HostSide {
  readonly #options: LinuxHostOptions;
  readonly #dns = new ServerSlot('dns', 'DNS server');
  readonly #dhcp = new ServerSlot<DhcpServer>('dhcp', 'DHCP server');
  #bridge: string;
  #subnet: Subnet | undefined;
  #askedForAddress = false;
  readonly #lease = new LeaseSinceStart();
  readonly #overlaps = new OverlapWatch();

  constructor(options: LinuxHostOptions, settings: Settings) {
    this.#options = options;
    this.#bridge = settings.network.bridge;
  }

  /** The VM's address, once it is chosen. */
  get vmAddress(): Ipv4 | undefined {
    return this.#subnet === undefined ? undefined : vmAddressIn(this.#subnet);
  }

  /** The tap device for the VM's network card. */
  get attachment(): string {
    return tapNameOf(this.#bridge);
  }

  async prepare(
    settings: Settings,
    running: { readonly attachment: string | undefined } | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { subnet } = settings.network;
    // A running VM keeps its bridge and its addresses, whatever routes came meanwhile: moving it would cut it off.
    const bridge = running && bridgeOfTap(running.attachment ?? this.attachment);
    this.#bridge = bridge ?? settings.network.bridge;
    const present = running && (await bridgeSubnet(this.#bridge, signal));
    if (running === undefined) this.#lease.expect();
    const wanted = subnet === 'auto' ? 'auto' : parseSubnet(subnet);
    this.#subnet = present ?? (await chooseSubnet({ wanted, bridge: this.#bridge }, signal));
  }

  steps(settings: Settings): readonly Step[] {
    const subnet = this.#subnet ?? ANY_SUBNET;
    const { ports } = this.#options;
    return [
      ...this.#network(subnet, this.#bridge, ports.services(settings)).steps,
      this.#dnsStep(settings, subnet),
      this.#dhcpStep(settings, subnet),
      ...ports.steps({ hostAddress: hostAt(subnet, 1), vmAddress: vmAddressIn(subnet) }, settings),
    ];
  }

  removeSteps(): readonly Step[] {
    return [
      {
        id: 'servers',
        title: 'DHCP and DNS server, published ports',
        run: async () => {
          await Promise.all([this.#dhcp.close(), this.#dns.close(), this.#options.ports.close()]);
          return 'remove';
        },
      },
      {
        id: 'network',
        title: `network of ${this.#bridge}`,
        run: async (context) => {
          for (const bridge of await this.#bridges())
            await this.#network(ANY_SUBNET, bridge).removeAll(context);
          this.#subnet = undefined;
          return 'remove';
        },
      },
    ];
  }

  async isGone(): Promise<boolean> {
    return (await this.#options.ledger.list()).length === 0;
  }

  hasLease(): boolean {
    return this.#lease.holds(this.#dhcp.current?.leases() ?? []);
  }

  askedForAddress(): boolean {
    return this.#askedForAddress;
  }

  describe(): ReturnType<HostSide['describe']> {
    const { namespace } = this.#options;
    return {
      ...(namespace === undefined ? {} : { namespace }),
      bridge: this.#bridge,
      ...(this.#subnet === undefined
        ? {}
        : {
            subnet: formatSubnet(this.#subnet),
            hostAddress: hostAt(this.#subnet, 1),
            vmAddress: vmAddressIn(this.#subnet),
          }),
    };
  }

  async checkNetwork(signal: AbortSignal): Promise<void> {
    const subnet = this.#subnet;
    if (subnet === undefined) return;
    const overlap = this.#overlaps.look(subnet, this.#bridge, await gatherHostNetworks(signal));
    if (overlap === undefined) return;
    this.#options.logger.warn('network.subnet.overlapped', {
      subnet: formatSubnet(subnet),
      by: overlap.by,
      remedy:
        'Packets of one of the two may go astray; `mobyvm restart` chooses another subnet if network.subnet is auto.',
    });
  }

  /** Ours, and those of earlier settings: the ledger knows every bridge that we made. */
  async #bridges(): Promise<ReadonlySet<string>> {
    const made = (await this.#options.ledger.list()).filter(({ kind }) => kind === 'bridge');
    return new Set([this.#bridge, ...made.map(({ name }) => name)]);
  }

  #network(subnet: Subnet, bridge = this.#bridge, hostServices: readonly HostService[] = []): LinuxNetwork {
    const { machineId, ledger, logger } = this.#options;
    return linuxNetwork({
      machineId,
      bridge,
      subnet,
      ledger,
      logger,
      hostServices,
    });
  }

  #dnsStep({ network }: Settings, subnet: Subnet): Step {
    const { logger, resolvConfPath } = this.#options;
    const configuration = {
      address: hostAt(subnet, 1),
      subnet,
      dnsServers: network.dnsServers,
      resolvConfPath,
    };
    const vmName = `${VM_HOSTNAME}.${network.domain}`;
    return this.#dns.step({ ...configuration, vmName }, (signal) => {
      const names = new Map([[vmName, vmAddressIn(subnet)]]);
      return startNameServer({ ...configuration, names, logger }, signal);
    });
  }

  #dhcpStep({ network }: Settings, subnet: Subnet): Step {
    const { mac, logger } = this.#options;
    const configuration = {
      serverAddress: hostAt(subnet, 1),
      subnet,
      lease: { mac, address: vmAddressIn(subnet), hostname: VM_HOSTNAME },
      domain: network.domain,
      mtuBytes: network.mtuBytes,
      leaseSeconds: network.leaseSeconds,
    };
    return this.#dhcp.step(configuration, async (signal) => {
      this.#askedForAddress = false;
      const server = await startDhcpServer({ ...configuration, host: 'linux', logger, signal });
      this.#lease.follow(server);
      server.onDiscover(() => {
        this.#askedForAddress = true;
      });
      return server;
    });
  }
}

/** The gateway, which is the host, has the first address; the VM the second. */
function vmAddressIn(subnet: Subnet): Ipv4 {
  return hostAt(subnet, 2);
}
