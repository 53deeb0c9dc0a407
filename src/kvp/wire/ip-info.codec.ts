import type { KvpFrame, TextPlace } from './kvp-frame.js';

/**
 * `struct hv_kvp_ipaddr_value` inside a message (include/uapi/linux/hyperv.h; in `hv_kvp_ip_msg` after the header):
 *
 *     adapter_id[256] @4 | addr_family u8 @260 | dhcp_enabled u8 @261 | ip_addr[2048] @262 | sub_net[2048] @2310
 *     gate_way[1024] @4358 | dns_addr[2048] @5382
 *
 * Lists are separated by ';'. Inside the guest, adapter_id is the MAC address in capitals with colons.
 */
export interface IpInfo {
  readonly adapterId: string;
  /** Bits: 1 IPv4, 2 IPv6. */
  readonly addressFamily: number;
  readonly dhcpEnabled: boolean;
  readonly addresses: readonly string[];
  readonly netmasks: readonly string[];
  readonly gateways: readonly string[];
  readonly nameServers: readonly string[];
}

export const AddressFamily = { none: 0, ipv4: 1, ipv6: 2 } as const;

const ADAPTER: TextPlace = { at: 4, size: 256, field: 'adapter_id' };
const FAMILY_AT = 260;
const DHCP_AT = 261;
const ADDRESSES: TextPlace = { at: 262, size: 2_048, field: 'ip_addr' };
const NETMASKS: TextPlace = { at: 2_310, size: 2_048, field: 'sub_net' };
const GATEWAYS: TextPlace = { at: 4_358, size: 1_024, field: 'gate_way' };
const NAME_SERVERS: TextPlace = { at: 5_382, size: 2_048, field: 'dns_addr' };

/** @throws CodecError when a list does not fit its field */
export function encodeIpInfo(frame: KvpFrame, info: IpInfo): void {
  frame.setText(ADAPTER, info.adapterId);
  frame.setU8(FAMILY_AT, info.addressFamily).setU8(DHCP_AT, info.dhcpEnabled ? 1 : 0);
  frame.setText(ADDRESSES, info.addresses.join(';'));
  frame.setText(NETMASKS, info.netmasks.join(';'));
  frame.setText(GATEWAYS, info.gateways.join(';'));
  frame.setText(NAME_SERVERS, info.nameServers.join(';'));
}

/** @throws CodecError if a field is not terminated UTF-8 */
export function decodeIpInfo(frame: KvpFrame): IpInfo {
  return {
    adapterId: frame.text(ADAPTER),
    addressFamily: frame.u8(FAMILY_AT),
    dhcpEnabled: frame.u8(DHCP_AT) !== 0,
    addresses: list(frame.text(ADDRESSES)),
    netmasks: list(frame.text(NETMASKS)),
    gateways: list(frame.text(GATEWAYS)),
    nameServers: list(frame.text(NAME_SERVERS)),
  };
}

/** The guest's scripts end lists with a ';' too. */
function list(text: string): readonly string[] {
  return text.split(';').filter((part) => part !== '');
}
