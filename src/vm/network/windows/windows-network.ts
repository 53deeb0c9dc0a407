import { resourceStep, type Ledger, type Step, type StepContext } from '../../../core/host/index.js';
import { hostAt, type Ipv4, type Subnet } from '../../../core/values/index.js';
import type { PowerShell } from '../../../powershell/index.js';
import { tagOf } from '../ownership.plan.js';
import { part, planAll, removeInReverse, type Part, type PlannedChange } from '../parts.js';
import { firewallRules, type FirewallRule } from './firewall-rules.js';
import { hostAddress } from './host-address.js';
import { nat } from './nat.js';
import { internalSwitch } from './switch.js';
import { findSwitchAdapter } from './switch-adapter.js';

export interface WindowsNetworkOptions {
  readonly powerShell: PowerShell;
  readonly machineId: string;
  /** Of the switch; the NAT network's begins so. */
  readonly name: string;
  readonly subnet: Subnet;
  readonly nat: 'auto' | 'none';
  readonly rules: readonly FirewallRule[];
  readonly ledger: Ledger;
}

/** The VM's network on a Windows host. */
export interface WindowsNetwork {
  /** To be run in this order. */
  readonly steps: readonly Step[];
  /** The host's address, the first one of the subnet: the guest's gateway, DHCP and DNS server. */
  readonly hostAddress: Ipv4;
  /** What `steps` would change, without changing it. @throws MobyvmError MOBYVM_FOREIGN_OBJECT, MOBYVM_NAT */
  plan(context: StepContext): Promise<readonly PlannedChange[]>;
  /** Takes away what we made, last first. One failure does not keep the others from being removed. */
  removeAll(context: StepContext): Promise<void>;
}

export function windowsNetwork(options: WindowsNetworkOptions): WindowsNetwork {
  const { powerShell, machineId, name, subnet, ledger } = options;
  const address = { address: hostAt(subnet, 1), prefixLength: subnet.prefixLength };
  const firewall = firewallRules(powerShell, machineId);
  const ownSwitch = internalSwitch({ powerShell, ledger, name, tag: tagOf(machineId) });
  const ownAddress = part(hostAddress(powerShell, name, address), address);
  const parts: readonly Part[] = [
    part(ownSwitch, {}),
    {
      ...ownAddress,
      // On a foreign switch of that name it is somebody else's.
      remove: async (context) => {
        const found = await ownSwitch.observe(context);
        if (found?.isOurs === true) await ownAddress.remove(context);
      },
    },
    part(nat({ powerShell, name: `${name}-${machineId}` }), options.nat === 'none' ? 'none' : subnet),
    {
      // Windows names the adapter, so that the rules can only be known when it is there.
      step: {
        id: firewall.id,
        title: firewall.title,
        run: async (context) => resourceStep(firewall, await wantedRules(context.signal)).run(context),
      },
      plan: async (context) => {
        const found = await firewall.observe(context);
        const wanted = await wantedRules(context.signal);
        return { id: firewall.id, title: firewall.title, change: firewall.plan(found, wanted) };
      },
      remove: (context) => firewall.remove(context),
    },
  ];
  return {
    steps: parts.map(({ step }) => step),
    hostAddress: address.address,
    plan: (context) => planAll(parts, context),
    removeAll: (context) => removeInReverse(parts, context),
  };

  async function wantedRules(signal: AbortSignal) {
    const adapter = await findSwitchAdapter(powerShell, name, signal);
    const { alias, guid } = adapter ?? { alias: `vEthernet (${name})`, guid: 'not there yet' };
    return { rules: options.rules, interfaceAlias: alias, interfaceGuid: guid };
  }
}
