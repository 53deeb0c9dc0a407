import {
  macToBytes,
  parseIpv4,
  parseMac,
  parseSubnet,
  type Ipv4,
  type Mac,
} from '../../src/core/values/index.js';
import type { DhcpConfig } from '../../src/proxy/dhcp/dhcp-config.js';
import type { DhcpMessage } from '../../src/proxy/dhcp/message.codec.js';

export const VM = parseMac('02:00:0a:00:4b:02');
export const ADDRESS = parseIpv4('10.0.75.2');
export const SERVER = parseIpv4('10.0.75.1');
export const NONE = parseIpv4('0.0.0.0');

export const DHCP_CONFIG: DhcpConfig = {
  serverAddress: SERVER,
  subnet: parseSubnet('10.0.75.0/24'),
  lease: { mac: VM, address: ADDRESS, hostname: 'moby' },
  domain: 'mobyvm.internal',
  domainSearch: ['mobyvm.internal', 'corp.example'],
  mtuBytes: 1480,
  leaseSeconds: 3600,
};

/** A client's message from the VM; whatever matters to a test is given. */
export function dhcpRequest(
  options: Readonly<Record<number, readonly number[]>> = {},
  more: Partial<DhcpMessage> & { readonly mac?: Mac; readonly from?: Ipv4 } = {},
): DhcpMessage {
  const { mac = VM, from = NONE, ...fields } = more;
  const chaddr = new Uint8Array(16);
  chaddr.set(macToBytes(mac));
  return {
    ...{ op: 1, hardwareType: 1, hardwareLength: 6, hops: 0, transactionId: 0x1234abcd, seconds: 0 },
    ...{ broadcast: false, reservedFlags: 0, clientAddress: from, yourAddress: NONE },
    ...{ nextServerAddress: NONE, relayAddress: NONE, clientHardwareAddress: chaddr },
    ...{ serverName: new Uint8Array(64), bootFile: new Uint8Array(128) },
    options: new Map(Object.entries(options).map(([code, value]) => [Number(code), Uint8Array.from(value)])),
    ...fields,
  };
}
