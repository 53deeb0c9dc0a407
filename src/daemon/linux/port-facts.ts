import { readdir, readFile, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { errnoOf } from '../../core/values/index.js';
import type {
  BindFailure,
  Endpoint,
  PortAddress,
  PortFacts,
  PortOwner,
  Protocol,
} from '../../proxy/index.js';
import { parseSocketTable, type TableSocket } from './socket-table.codec.js';

/** What Linux says about ports, by /proc. */
export const linuxPortFacts: PortFacts = {
  boundSockets,
  owner,
  bindFailure,
  hostAddresses,
  udpDestination,
};

async function boundSockets(protocol: Protocol): Promise<readonly TableSocket[]> {
  const tables = await Promise.all(
    // A kernel without IPv6 has no second table.
    [protocol, `${protocol}6`].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  return tables.flatMap((table) => parseSocketTable(table, protocol));
}

async function owner(protocol: Protocol, port: number, address?: string): Promise<PortOwner | undefined> {
  const sockets = (await boundSockets(protocol)).filter(
    (socket) =>
      socket.port === port && (address === undefined || socket.address === address || socket.address === '*'),
  );
  // The exact address first: a socket on the wildcard may share the port with it.
  const ordered = sockets.sort((a, b) => Number(a.address === '*') - Number(b.address === '*'));
  return ordered.length === 0 ? undefined : holderOf(ordered.map((socket) => `socket:[${socket.inode}]`));
}

/** Errors of bind(2): https://man7.org/linux/man-pages/man7/ip.7.html, ipv6(7). */
async function bindFailure({ protocol, address, port }: PortAddress, error: unknown): Promise<BindFailure> {
  switch (errnoOf(error)) {
    case 'EADDRINUSE': {
      const isWildcard = address === '0.0.0.0' || address === '::';
      return { kind: 'in-use', owner: await owner(protocol, port, isWildcard ? undefined : address) };
    }
    // EINVAL: a link-local IPv6 address without its zone.
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return { kind: 'no-address' };
    // EACCES: a port below net.ipv4.ip_unprivileged_port_start without CAP_NET_BIND_SERVICE; EPERM: a
    // security module.
    case 'EACCES':
    case 'EPERM':
      return { kind: 'not-permitted' };
    default:
      return { kind: 'other' };
  }
}

function hostAddresses(): readonly string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, family, scopeid = 0 }) =>
      family === 'IPv6' && scopeid !== 0 ? `${address}%${name}` : address,
    ),
  );
}

async function udpDestination(client: Endpoint, port: number): Promise<string | undefined> {
  const { peer } =
    (await boundSockets('udp')).find(
      (socket) =>
        socket.port === client.port && socket.address === client.address && socket.peer.port === port,
    ) ?? {};
  return peer?.address;
}

async function holderOf(links: readonly string[]): Promise<PortOwner | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const link of links) {
    for (const pid of pids) {
      if (await holds(pid, link)) {
        const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
        return { pid: Number(pid), name: name.trim() };
      }
    }
  }
  return undefined;
}

async function holds(pid: string, link: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  // Processes may end meanwhile, and those of other users may be closed to us: neither is the answer.
  const descriptors = await readdir(folder).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return links.includes(link);
}
