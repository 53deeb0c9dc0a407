import { networkInterfaces } from 'node:os';
import { errnoOf } from '../../core/values/index.js';
import type { BindFailure, PortAddress, PortFacts, PortOwner, Protocol } from '../../proxy/index.js';
import type { HostSockets } from '../../windows/index.js';
import type { ExcludedPorts } from './excluded-ports.codec.js';

export interface WindowsPortFactsOptions {
  readonly sockets: HostSockets;
  readonly excludedPorts: (protocol: Protocol) => Promise<readonly ExcludedPorts[]>;
}

/** What Windows says about ports, by its socket tables. It does not say what a UDP socket is connected to. */
export function windowsPortFacts({ sockets, excludedPorts }: WindowsPortFactsOptions): PortFacts {
  const boundSockets = (protocol: Protocol): ReturnType<HostSockets['list']> =>
    sockets.list(protocol).catch(() => []);
  const owner = async (
    protocol: Protocol,
    port: number,
    address?: string,
  ): Promise<PortOwner | undefined> => {
    const having = (await boundSockets(protocol)).filter(
      (socket) =>
        socket.port === port &&
        (address === undefined || socket.address === address || socket.address === '*'),
    );
    // The exact address first: a socket on the wildcard may share the port with it.
    const found = having.find((socket) => socket.address !== '*') ?? having[0];
    if (found === undefined) return undefined;
    return { pid: found.pid, name: (await sockets.programOf(found.pid)) ?? 'a program of the system' };
  };
  const reserved = async ({ protocol, port }: PortAddress): Promise<BindFailure | undefined> => {
    const ranges = await excludedPorts(protocol).catch(() => []);
    const range = ranges.find(({ first, last }) => first <= port && port <= last);
    return range && { kind: 'reserved', first: range.first, last: range.last };
  };
  return {
    boundSockets,
    owner,
    hostAddresses,
    async bindFailure(wanted, error) {
      const { protocol, address, port } = wanted;
      const isWildcard = address === '0.0.0.0' || address === '::';
      const holder = (): Promise<PortOwner | undefined> =>
        owner(protocol, port, isWildcard ? undefined : address);
      switch (errnoOf(error)) {
        case 'EADDRINUSE':
          return { kind: 'in-use', owner: await holder() };
        case 'EACCES':
          return (await reserved(wanted)) ?? heldBy(await holder());
        // EINVAL: a link-local IPv6 address without its zone.
        case 'EADDRNOTAVAIL':
        case 'EINVAL':
          return { kind: 'no-address' };
        default:
          return { kind: 'other' };
      }
    },
  };
}

/**
 * WSAEACCES is no question of rights, for all ports may be bound by everybody: another socket has the port for
 * itself alone, or the system keeps it.
 * https://learn.microsoft.com/windows/win32/winsock/using-so-reuseaddr-and-so-exclusiveaddruse
 */
function heldBy(owner: PortOwner | undefined): BindFailure {
  return owner === undefined ? { kind: 'other' } : { kind: 'in-use', owner };
}

/** Windows takes the interface's index as the zone. */
function hostAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.map(({ address, family, scopeid = 0 }) =>
      family === 'IPv6' && scopeid !== 0 ? `${address}%${scopeid}` : address,
    ),
  );
}
