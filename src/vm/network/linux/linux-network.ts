import { createHash } from 'node:crypto';
import {
  ensureSteps,
  managed,
  planAll,
  removeAll,
  resourceStep,
  type ManagedResource,
  type PlannedChange,
  type Ledger,
  type Logger,
  type RemoveOutcome,
  type Step,
  type StepContext,
} from '../../../core/host/index.js';
import { hostAt, localMac, type Ipv4, type Subnet } from '../../../core/values/index.js';
import { bridge } from './bridge.js';
import { bridgeAddress } from './bridge-address.js';
import { firewall } from './firewall.js';
import { forwarding } from './forwarding.js';
import { checkBridgeName, tapNameOf } from './link-name.plan.js';
import { networkNamespace } from './network-namespace.js';
import { ownerOf } from './owner.js';
import type { HostService } from './rules.plan.js';
import { tap } from './tap.js';

export interface LinuxNetworkOptions {
  readonly machineId: string;
  /**
   * Name of the bridge, at most 15 characters; the names of the tap device and the nftables table derive from
   * it.
   */
  readonly bridge: string;
  readonly subnet: Subnet;
  readonly ledger: Ledger;
  readonly logger: Logger;
  /** What the guest may reach on the host's address besides DHCP, DNS and ping; nothing by default. */
  readonly hostServices?: readonly HostService[] | 'all';
}

/** The VM's network on a Linux host, in the current network namespace. */
export interface LinuxNetwork {
  /** In the order of `up`: the rules are loaded before anything can be forwarded, the VM's tap device comes last. */
  readonly resources: readonly ManagedResource[];
  readonly steps: readonly Step[];
  /** The tap device for the VM's network card. */
  readonly tap: string;
  /** The host's address, the first one of the subnet: the guest's gateway, DHCP and DNS server. */
  readonly hostAddress: Ipv4;
  /** What `steps` would change, without changing it. @throws MobyvmError MOBYVM_FOREIGN_OBJECT */
  plan(context: StepContext): Promise<readonly PlannedChange[]>;
  /** Removes what mobyvm created, last first. A failure does not stop the other removals. */
  removeAll(context: StepContext): Promise<void>;
}

/** @throws MobyvmError MOBYVM_SETTINGS if it is not a valid bridge name */
export function linuxNetwork(options: LinuxNetworkOptions): LinuxNetwork {
  const { machineId, subnet, ledger, logger } = options;
  const name = checkBridgeName(options.bridge);
  const owner = ownerOf(machineId, ledger, logger);
  const hostAddress = hostAt(subnet, 1);
  const { prefixLength } = subnet;
  const mac = localMac(createHash('sha256').update(`${machineId} ${name}`).digest());
  const resources: readonly ManagedResource[] = [
    managed(bridge(name, owner), { mac }),
    managed(bridgeAddress(name, owner), { address: hostAddress, prefixLength }),
    managed(firewall(name, owner), {
      bridge: name,
      subnet,
      hostAddress,
      hostServices: options.hostServices ?? [],
    }),
    managed(forwarding(name, owner), { isOn: true }),
    managed(tap(tapNameOf(name), owner), { bridge: name }),
  ];
  return {
    resources,
    steps: ensureSteps(resources),
    tap: tapNameOf(name),
    hostAddress,
    plan: (context) => planAll(resources, context),
    removeAll: (context) => removeAll(resources, context),
  };
}

export interface DaemonNamespaceOptions {
  readonly machineId: string;
  readonly name: string;
  readonly ledger: Ledger;
  readonly logger: Logger;
}

/**
 * The namespace of `--netns`: `step` creates it before the daemon starts, `remove` deletes it at the end, also
 * from inside.
 */
export function daemonNamespace({ machineId, name, ledger, logger }: DaemonNamespaceOptions): {
  readonly step: Step;
  remove(context: StepContext): Promise<RemoveOutcome>;
} {
  const resource = networkNamespace(name, ownerOf(machineId, ledger, logger));
  return {
    step: resourceStep(resource, { isLoopbackUp: true }),
    remove: (context) => resource.remove(context),
  };
}
