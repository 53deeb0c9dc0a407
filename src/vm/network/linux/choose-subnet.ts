import type { Subnet } from '../../../core/values/index.js';
import { listAddresses, listRoutes } from './ip.js';
import { planSubnet, subnetsOfBridge, type HostNetworks, type SubnetQuestion } from '../subnet.plan.js';

/** The addresses and routes of the namespace that we run in. */
export async function gatherHostNetworks(signal: AbortSignal): Promise<HostNetworks> {
  const [addresses, routes] = await Promise.all([listAddresses(signal), listRoutes(signal)]);
  return { addresses, routes };
}

/** @throws MobyvmError MOBYVM_SUBNET_IN_USE, MOBYVM_NO_FREE_SUBNET, MOBYVM_SETTINGS */
export async function chooseSubnet(
  { wanted, bridge }: Omit<SubnetQuestion, 'host'>,
  signal: AbortSignal,
): Promise<Subnet> {
  return planSubnet({ wanted, bridge, host: await gatherHostNetworks(signal) });
}

/**
 * The subnet that our bridge has now, undefined when there is none: for a VM that runs already and must keep its
 * addresses even if something collides with them by now.
 */
export async function bridgeSubnet(bridge: string, signal: AbortSignal): Promise<Subnet | undefined> {
  return subnetsOfBridge(bridge, { addresses: await listAddresses(signal) })[0];
}
