import {
  ensureSteps,
  managed,
  planAll,
  removeAll,
  resourceStep,
  type Ledger,
  type ManagedResource,
  type PlannedChange,
  type Step,
  type StepContext,
  type RemoveOutcome,
} from '../../../core/host/index.js';
import { hostAt, subnetAround, type Ipv4, type Subnet } from '../../../core/values/index.js';
import type { PowerShell } from '../../../powershell/index.js';
import { tagOf } from '../ownership.plan.js';
import { firewallRules } from './firewall-rules.js';
import type { FirewallRule, FirewallWanted } from './firewall-rules.plan.js';
import { hostAddress } from './host-address.js';
import type { HostAddressWanted } from './host-address.plan.js';
import { nat } from './nat.js';
import type { NatWanted } from './nat.plan.js';
import { recorded } from './recorded.js';
import { internalSwitch, SWITCH_KIND } from './switch.js';
import { SwitchAdapterReader } from './switch-adapter.js';

/** The ledger's entry for the host's address, by the name of its switch. */
const ADDRESS_KIND = 'switch-address';
const NAT_KIND = 'nat-network';

/** On whose behalf the host's network is changed. */
export interface NetworkOwner {
  readonly powerShell: PowerShell;
  readonly machineId: string;
  readonly ledger: Ledger;
  /**
   * Whether switch, address and NAT network must be kept when they are to be removed: a saved machine has its
   * address in its memory and relies on the switch. Absent: never.
   */
  readonly isNeeded?: (signal: AbortSignal) => Promise<boolean>;
}

export interface WindowsNetworkOptions extends NetworkOwner {
  /** Of the switch; the name of the NAT network begins with it. */
  readonly name: string;
  readonly subnet: Subnet;
  readonly nat: 'auto' | 'none';
  readonly rules: readonly FirewallRule[];
}

/** The VM's network on a Windows host. */
export interface WindowsNetwork {
  /** The switch that the machine's network adapter is connected to. */
  readonly attachment: string;
  /** The first address of the subnet: the guest's gateway, DHCP and DNS server. */
  readonly hostAddress: Ipv4;
  /** Switch, address, NAT network and firewall rules, in the order of `up`. */
  readonly resources: readonly ManagedResource[];
  /** To be run in this order. */
  readonly steps: readonly Step[];
  /** What `steps` would change, without changing it. @throws MobyvmError MOBYVM_FOREIGN_OBJECT, MOBYVM_NAT */
  plan(context: StepContext): Promise<readonly PlannedChange[]>;
  /** Removes what we created, last first. One failure does not keep the others from being removed. */
  removeAll(context: StepContext): Promise<void>;
}

export function windowsNetwork(options: WindowsNetworkOptions): WindowsNetwork {
  const { powerShell, name, subnet } = options;
  const adapter = new SwitchAdapterReader(powerShell, name);
  const resources = [
    ...switchResources(options, adapter),
    natResource(options),
    managedFirewall(options, adapter),
  ];
  return {
    attachment: name,
    hostAddress: addressOf(subnet).address,
    resources,
    steps: ensureSteps(resources),
    plan: (context) => planAll(resources, context),
    removeAll: (context) => removeAll(resources, context),
  };
}

/** What earlier runs created, with whatever settings they had, by the ledger: for its removal, last first. */
export async function earlierWindowsNetwork(options: NetworkOwner): Promise<readonly ManagedResource[]> {
  const { powerShell, machineId, ledger } = options;
  const entries = await ledger.list();
  const named = (kind: string): readonly string[] =>
    entries.filter((each) => each.kind === kind).map(({ name }) => name);
  return [
    ...named(SWITCH_KIND).map((name) => {
      const own = managed(internalSwitch({ powerShell, ledger, name, tag: tagOf(machineId) }), {});
      const remove = async (context: StepContext): Promise<RemoveOutcome> => {
        const outcome = await own.remove(context);
        // Its address is gone with its adapter.
        await ledger.delete({ kind: ADDRESS_KIND, name });
        return outcome;
      };
      return keptWhileNeeded({ ...own, remove }, options);
    }),
    ...named(NAT_KIND).map((name) =>
      keptWhileNeeded(managed(recordedNat(powerShell, ledger, name), 'none'), options),
    ),
    managedFirewall({ ...options, rules: [] }, new SwitchAdapterReader(powerShell, '')),
  ];
}

/**
 * The subnet that our switch has now; undefined when it has none. For a machine that is running or saved,
 * which keeps its addresses.
 */
export async function switchSubnet(
  powerShell: PowerShell,
  switchName: string,
  signal: AbortSignal,
): Promise<Subnet | undefined> {
  const found = await new SwitchAdapterReader(powerShell, switchName).addresses(undefined, signal);
  return found?.addresses
    .map(({ address, prefixLength }) => ({ address, subnet: subnetAround(address, prefixLength) }))
    .find(({ address, subnet }) => hostAt(subnet, 1) === address)?.subnet;
}

function switchResources(options: WindowsNetworkOptions, adapter: SwitchAdapterReader) {
  const { powerShell, ledger, name, subnet } = options;
  const wanted = addressOf(subnet);
  const ownSwitch = internalSwitch({ powerShell, ledger, name, tag: tagOf(options.machineId) });
  const entry = { kind: ADDRESS_KIND, name };
  const ownAddress = hostAddress({ powerShell, adapter, switchName: name }, wanted);
  const address = managed(recorded(ownAddress, ledger, entry), wanted);
  const remove = async (context: StepContext): Promise<RemoveOutcome> => {
    const found = await ownSwitch.observe(context);
    if (found?.isOurs === true) return address.remove(context);
    // A foreign switch with our name has a foreign address.
    await ledger.delete(entry);
    return 'none';
  };
  return [keptWhileNeeded(managed(ownSwitch, {}), options), keptWhileNeeded({ ...address, remove }, options)];
}

function natResource(options: WindowsNetworkOptions): ManagedResource {
  const { powerShell, ledger, name, machineId, subnet } = options;
  const own = recordedNat(powerShell, ledger, `${name}-${machineId}`);
  return keptWhileNeeded(managed(own, options.nat === 'none' ? 'none' : subnet), options);
}

function recordedNat(powerShell: PowerShell, ledger: Ledger, name: string) {
  return recorded(
    nat({ powerShell, name }),
    ledger,
    { kind: NAT_KIND, name },
    (wanted: NatWanted) => wanted !== 'none',
  );
}

function managedFirewall(
  {
    powerShell,
    machineId,
    ledger,
    rules,
  }: Omit<NetworkOwner, 'isNeeded'> & Pick<WindowsNetworkOptions, 'rules'>,
  adapter: SwitchAdapterReader,
): ManagedResource {
  const prefix = `mobyvm-${machineId}-`;
  const own = recorded(firewallRules({ powerShell, adapter, prefix }), ledger, {
    kind: 'firewall-rules',
    name: prefix,
  });
  // Windows chooses the adapter's GUID, so the rules are only known once it exists.
  const wanted = async (signal: AbortSignal): Promise<FirewallWanted> => ({
    rules,
    interfaceGuid: await adapter.guid(signal),
  });
  return {
    ...managed(own, { rules, interfaceGuid: undefined }),
    ensure: async (context) => resourceStep(own, await wanted(context.signal)).run(context),
    plan: async (context) => own.plan(await own.observe(context), await wanted(context.signal)),
  };
}

function keptWhileNeeded(
  resource: ManagedResource,
  { isNeeded }: Pick<NetworkOwner, 'isNeeded'>,
): ManagedResource {
  return {
    ...resource,
    remove: async (context) =>
      (await isNeeded?.(context.signal)) === true ? 'none' : resource.remove(context),
  };
}

function addressOf(subnet: Subnet): HostAddressWanted {
  return { address: hostAt(subnet, 1), prefixLength: subnet.prefixLength };
}
