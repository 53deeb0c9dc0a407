import { networkInterfaces } from 'node:os';
import type { FileProtection } from '../../core/host/index.js';
import { errnoOf } from '../../core/values/index.js';
import type { PortFacts } from '../../proxy/index.js';
import { notOnWindowsError } from '../not-on-windows.js';

export { backgroundService } from './background-service.js';

/** The places of what Windows still lacks. Each refuses by name, so that nothing runs half protected. */

/**
 * An access list on each folder, which its files inherit: SYSTEM and administrators, and Users for `run`.
 * Without one, everybody may read what is below ProgramData.
 */
export const accessLists: FileProtection = {
  folder: () => Promise.reject(notOnWindowsError('the protection of its files')),
  file: () => Promise.reject(notOnWindowsError('the protection of its files')),
};

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
