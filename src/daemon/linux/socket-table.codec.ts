import { ipv4FromBytes } from '../../core/values/index.js';
import type { BoundSocket, Endpoint, Protocol } from '../../proxy/index.js';

export interface TableSocket extends BoundSocket {
  /** What a UDP socket is connected to; port 0 if it is not. */
  readonly peer: Endpoint;
  readonly inode: string;
}

/** TCP_LISTEN of https://github.com/torvalds/linux/blob/master/include/net/tcp_states.h, in hexadecimal. */
const TCP_LISTEN = '0A';

/**
 * Reads the text of `/proc/net/{tcp,udp}{,6}` (https://docs.kernel.org/networking/proc_net_tcp.html): `sl
 * local_address rem_address st … uid timeout inode`. UDP sockets that are bound, TCP sockets that listen;
 * lines in any other form are skipped.
 */
export function parseSocketTable(text: string, protocol: Protocol): readonly TableSocket[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', remote = '', state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [own, peer] = [placeOf(local), placeOf(remote)];
      const isCounted = protocol === 'udp' || state === TCP_LISTEN;
      if (!isCounted || own === undefined || peer === undefined || !/^\d+$/.test(inode)) return [];
      return [{ ...own, peer, inode }];
    });
}

function placeOf(text: string): Endpoint | undefined {
  const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/i.exec(text) ?? [];
  return address === '' ? undefined : { address: addressText(address), port: Number.parseInt(port, 16) };
}

/**
 * The kernel prints each 32-bit word in host byte order, which is little-endian on every machine that we
 * support.
 */
function addressText(hex: string): string {
  if (/^0+$/.test(hex)) return '*';
  const mapped = /^0{16}FFFF0000([0-9A-F]{8})$/i.exec(hex)?.[1];
  const v4 = hex.length === 8 ? hex : mapped;
  if (v4 === undefined) return hex.toLowerCase();
  return ipv4FromBytes(Uint8Array.from(v4.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)).reverse());
}
