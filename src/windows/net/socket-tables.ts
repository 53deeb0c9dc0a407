import { ADDRESS_FAMILY, getExtendedTcpTable, getExtendedUdpTable, TABLE_KIND } from '../calls/ip-helper.js';
import { withBuffer } from './growing-buffer.js';
import { decodeSocketTable, type OwnedSocket } from './socket-table.codec.js';

/** The listening TCP sockets or the bound UDP sockets of this host, of both families. @throws WindowsCallError */
export function ownedSockets(protocol: 'tcp' | 'udp'): readonly OwnedSocket[] {
  return [...tableOf(protocol, 'inet'), ...tableOf(protocol, 'inet6')];
}

function tableOf(protocol: 'tcp' | 'udp', family: 'inet' | 'inet6'): readonly OwnedSocket[] {
  const [name, call] =
    protocol === 'tcp'
      ? (['GetExtendedTcpTable', getExtendedTcpTable] as const)
      : (['GetExtendedUdpTable', getExtendedUdpTable] as const);
  return withBuffer(
    name,
    (into, length) => call(into, length, 0, ADDRESS_FAMILY[family], TABLE_KIND[protocol], 0),
    (bytes) => decodeSocketTable(bytes, family === 'inet' ? protocol : `${protocol}6`),
  );
}
