import { readdir, readFile, readlink } from 'node:fs/promises';
import { ipv4FromBytes } from '../core/values/index.js';

export interface PortOwner {
  readonly pid: number;
  /** The program's name as `ps` shows it (at most 15 characters on Linux). */
  readonly name: string;
}

/** One bound UDP socket, or one listening TCP socket. */
export interface BoundSocket {
  /** Dotted IPv4 address; `*` for the wildcard of either family; for other IPv6 addresses 32 hexadecimal digits. */
  readonly address: string;
  readonly port: number;
  readonly inode: string;
}

const TCP_LISTEN = '0A';

/**
 * Who holds a port, as far as this machine tells: Linux by `/proc`; elsewhere, or for a process that we may not look
 * into, undefined. A socket on the wildcard address holds every address.
 * @param address only a socket on this IPv4 address or on the wildcard counts; any socket if absent
 */
export async function portOwner(
  protocol: 'tcp' | 'udp',
  port: number,
  address?: string,
): Promise<PortOwner | undefined> {
  const sockets = (await boundSockets(protocol)).filter(
    (socket) =>
      socket.port === port && (address === undefined || socket.address === address || socket.address === '*'),
  );
  // The exact address before the wildcard: that one is in the way for certain.
  const ordered = sockets.sort((a, b) => Number(a.address === '*') - Number(b.address === '*'));
  return ordered.length === 0 ? undefined : ownerOf(ordered.map((socket) => `socket:[${socket.inode}]`));
}

/** The sockets of our network namespace that are bound (UDP) or listen (TCP); none where there is no `/proc`. */
export async function boundSockets(protocol: 'tcp' | 'udp'): Promise<readonly BoundSocket[]> {
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  return tables.flatMap((table) => parseSocketTable(table, protocol));
}

/** Reads the text of `/proc/net/{tcp,udp}{,6}`: `sl local_address rem_address st … uid timeout inode`. */
export function parseSocketTable(text: string, protocol: 'tcp' | 'udp'): readonly BoundSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      const isCounted = protocol === 'udp' || state === TCP_LISTEN;
      if (!isCounted || !/^([0-9A-F]{8}|[0-9A-F]{32})$/i.test(address) || !/^\d+$/.test(inode)) return [];
      return [{ address: addressText(address), port: Number.parseInt(port, 16), inode }];
    });
}

/** The table shows each 32-bit word of an address in the machine's order, which is little-endian on all we run on. */
function addressText(hex: string): string {
  if (/^0+$/.test(hex)) return '*';
  const mapped = /^0{16}FFFF0000([0-9A-F]{8})$/i.exec(hex)?.[1];
  const v4 = hex.length === 8 ? hex : mapped;
  if (v4 === undefined) return hex.toLowerCase();
  return ipv4FromBytes(Uint8Array.from(v4.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)).reverse());
}

async function ownerOf(links: readonly string[]): Promise<PortOwner | undefined> {
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
  // Processes end while we look, and some are not ours to look into: they simply are not the answer.
  const descriptors = await readdir(folder).catch(() => []);
  const links = await Promise.all(descriptors.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
  return links.includes(link);
}
