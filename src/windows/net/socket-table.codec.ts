import { CodecError, formatIpv6, ipv4FromBytes } from '../../core/values/index.js';

/** A listening TCP socket, or a bound UDP socket. */
export interface OwnedSocket {
  /** Dotted IPv4; `*` for the wildcard address of either family; the canonical form for IPv6. */
  readonly address: string;
  readonly port: number;
  /** The process that has it. */
  readonly pid: number;
}

/** Where the fields of a row are. Ports are in network byte order in the first two bytes of four. */
interface RowLayout {
  readonly length: number;
  readonly address: number;
  readonly addressBytes: 4 | 16;
  readonly port: number;
  readonly pid: number;
}

export type SocketTable = 'tcp' | 'tcp6' | 'udp' | 'udp6';

/**
 * MIB_TCPROW_OWNER_PID: https://learn.microsoft.com/windows/win32/api/tcpmib/ns-tcpmib-mib_tcprow_owner_pid;
 * MIB_TCP6ROW_OWNER_PID: https://learn.microsoft.com/windows/win32/api/tcpmib/ns-tcpmib-mib_tcp6row_owner_pid;
 * MIB_UDPROW_OWNER_PID: https://learn.microsoft.com/windows/win32/api/udpmib/ns-udpmib-mib_udprow_owner_pid;
 * MIB_UDP6ROW_OWNER_PID: https://learn.microsoft.com/windows/win32/api/udpmib/ns-udpmib-mib_udp6row_owner_pid
 */
const ROWS: Readonly<Record<SocketTable, RowLayout>> = {
  tcp: { length: 24, address: 4, addressBytes: 4, port: 8, pid: 20 },
  tcp6: { length: 56, address: 0, addressBytes: 16, port: 20, pid: 52 },
  udp: { length: 12, address: 0, addressBytes: 4, port: 4, pid: 8 },
  udp6: { length: 28, address: 0, addressBytes: 16, port: 20, pid: 24 },
};

const COUNT_BYTES = 4;
/** More sockets than ports of both families on one address. */
const MAX_ROWS = 1_000_000;

/**
 * Decodes a table of GetExtendedTcpTable or GetExtendedUdpTable: the number of rows, then the rows. What is behind
 * them belongs to the buffer.
 * https://learn.microsoft.com/windows/win32/api/iphlpapi/nf-iphlpapi-getextendedtcptable
 * @throws CodecError
 */
export function decodeSocketTable(bytes: Uint8Array, table: SocketTable): readonly OwnedSocket[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < COUNT_BYTES) throw new CodecError('count', 0, 'is cut off');
  const count = view.getUint32(0, true);
  const row = ROWS[table];
  const fitting = Math.floor((bytes.length - COUNT_BYTES) / row.length);
  if (count > Math.min(fitting, MAX_ROWS))
    throw new CodecError('count', 0, `is ${count}, but ${fitting} rows fit into the table`);
  return Array.from({ length: count }, (_, index) => {
    const at = COUNT_BYTES + index * row.length;
    const start = at + row.address;
    return {
      address: addressText(bytes.subarray(start, start + row.addressBytes)),
      port: view.getUint16(at + row.port),
      pid: view.getUint32(at + row.pid, true),
    };
  });
}

/** ::ffff:0:0/96, whose last four bytes are an IPv4 address: https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.2 */
const MAPPED: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

function addressText(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return '*';
  if (bytes.length === 4) return ipv4FromBytes(bytes);
  if (MAPPED.every((byte, index) => bytes[index] === byte))
    return ipv4FromBytes(bytes.subarray(MAPPED.length));
  return formatIpv6(bytes);
}
