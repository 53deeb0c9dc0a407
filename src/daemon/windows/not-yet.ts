import { networkInterfaces } from 'node:os';
import { errnoOf } from '../../core/values/index.js';
import type { PortFacts } from '../../proxy/index.js';

/** The places of what Windows still lacks. */

/** Ports without their owners: those are in the tables of iphlpapi.dll. */
export const unexplainedPorts: PortFacts = {
  boundSockets: () => Promise.resolve([]),
  owner: () => Promise.resolve(undefined),
  bindFailure: (_wanted, error) => {
    switch (errnoOf(error)) {
      case 'EADDRINUSE':
        return Promise.resolve({ kind: 'in-use', owner: undefined });
      case 'EADDRNOTAVAIL':
        return Promise.resolve({ kind: 'no-address' });
      default:
        return Promise.resolve({ kind: 'other' });
    }
  },
  hostAddresses: () =>
    Object.values(networkInterfaces()).flatMap((addresses = []) =>
      addresses.map(({ address, family, scopeid = 0 }) =>
        family === 'IPv6' && scopeid !== 0 ? `${address}%${scopeid}` : address,
      ),
    ),
};
