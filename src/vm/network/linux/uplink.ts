import { listMtus, listRoutes } from './ip.js';
import { lowestUplinkMtu } from './uplink.plan.js';

/** Of the current network namespace, in bytes; undefined if it has no way to other networks. */
export async function uplinkMtu(signal: AbortSignal): Promise<number | undefined> {
  const [links, routes] = await Promise.all([listMtus(signal), listRoutes(signal)]);
  return lowestUplinkMtu(links, routes);
}
