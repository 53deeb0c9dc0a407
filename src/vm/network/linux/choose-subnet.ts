import type { Subnet } from '../../../core/values/index.js';
import { listAddresses, listRoutes } from './ip.js';
import { planSubnet, subnetsOfBridge, type HostNetworks, type SubnetQuestion } from '../subnet.plan.js';

/** The addresses and routes of the current network namespace. */
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
 * The subnet of the existing bridge, or undefined if there is none. A running VM must keep its addresses even
 * if they collide with another network by now.
 */
export async function bridgeSubnet(bridge: string, signal: AbortSignal): Promise<Subnet | undefined> {
  return subnetsOfBridge(bridge, { addresses: await listAddresses(signal) })[0];
}
