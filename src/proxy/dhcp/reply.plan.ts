import { broadcast, netmask, subnetContains, type Ipv4 } from '../../core/values/index.js';
import type { DhcpConfig } from './dhcp-config.js';
import { domainSearchValue, isSearchable } from './domain-search.codec.js';
import type { Answer } from './lease.plan.js';
import { FIXED_BYTES, type DhcpMessage } from './message.codec.js';
import { MessageType, OptionCode } from './option-code.js';
import { addressValue, maxMessageSizeOption, textValue, u16Value, u32Value } from './options.codec.js';
import { encodedOptionLength, type DhcpOptions } from './options.codec.js';

export interface Reply {
  readonly message: DhcpMessage;
  /** Port 68 of this address. */
  readonly destination: Ipv4;
}

const NO_ADDRESS = '0.0.0.0' as Ipv4;
const LIMITED_BROADCAST = '255.255.255.255' as Ipv4;
/** Option 57 includes these headers: https://www.rfc-editor.org/rfc/rfc2131#section-2 */
const IP_AND_UDP_BYTES = 28;
const MIN_DATAGRAM_BYTES = 576;

/** A VM has no working network without these, so they are sent even if not requested. */
const ALWAYS_SENT = [OptionCode.subnetMask, OptionCode.router, OptionCode.dnsServer] as const;
/** Sent if requested, or if the client has no parameter request list. */
const ON_REQUEST = [
  OptionCode.hostName,
  OptionCode.domainName,
  OptionCode.interfaceMtu,
  OptionCode.broadcastAddress,
] as const;

/**
 * Builds the reply: fields as in table 3 of https://www.rfc-editor.org/rfc/rfc2131#section-4.3.1, required
 * options first and then those that the client requested, in its order
 * (https://www.rfc-editor.org/rfc/rfc2132#section-9.8), as far as they fit into the client's maximum message
 * size (option 57).
 */
export function planReply(request: DhcpMessage, answer: Answer, config: DhcpConfig): Reply {
  const isNak = answer.type === 'nak';
  const message: DhcpMessage = {
    op: 2,
    hardwareType: request.hardwareType,
    hardwareLength: request.hardwareLength,
    hops: 0,
    transactionId: request.transactionId,
    seconds: 0,
    broadcast: request.broadcast,
    reservedFlags: request.reservedFlags,
    clientAddress: answer.type === 'ack' ? request.clientAddress : NO_ADDRESS,
    yourAddress: answer.yourAddress,
    nextServerAddress: NO_ADDRESS,
    relayAddress: NO_ADDRESS,
    clientHardwareAddress: request.clientHardwareAddress,
    serverName: new Uint8Array(64),
    bootFile: new Uint8Array(128),
    options: replyOptions(request, answer, config),
  };
  return { message, destination: isNak ? LIMITED_BROADCAST : destinationOf(request, config) };
}

/**
 * See https://www.rfc-editor.org/rfc/rfc2131#section-4.1. A client that has an address gets the reply there.
 * Any other gets a broadcast, even if its broadcast flag is clear: unicast to a host that does not answer ARP
 * yet needs a raw socket, and every client must accept broadcasts (the flag only says that it cannot receive
 * unicast). Nothing is sent to an address outside the switch's subnet, since the guest could make the host
 * send packets anywhere.
 */
function destinationOf(request: DhcpMessage, config: DhcpConfig): Ipv4 {
  return subnetContains(config.subnet, request.clientAddress) ? request.clientAddress : LIMITED_BROADCAST;
}

function replyOptions(request: DhcpMessage, answer: Answer, config: DhcpConfig): DhcpOptions {
  const required: [number, Uint8Array][] = [
    [OptionCode.messageType, Uint8Array.of(MessageType[answer.type])],
    [OptionCode.serverIdentifier, addressValue(config.serverAddress)],
  ];
  const identifier = request.options.get(OptionCode.clientIdentifier);
  if (identifier !== undefined) required.push([OptionCode.clientIdentifier, identifier]);
  if (answer.because !== undefined) required.push([OptionCode.message, textValue(answer.because)]);
  if (answer.type === 'nak') return new Map(required);
  if (answer.isLease) {
    required.push(
      [OptionCode.leaseTime, u32Value(config.leaseSeconds)],
      [OptionCode.renewalTime, u32Value(Math.floor(config.leaseSeconds / 2))],
      [OptionCode.rebindingTime, u32Value(Math.floor((config.leaseSeconds * 7) / 8))],
    );
  }
  const values = networkOptions(config);
  for (const code of ALWAYS_SENT) required.push([code, values.get(code) ?? new Uint8Array()]);
  return new Map(fitting(required, wantedOptions(request, values), optionBytesFor(request)));
}

function networkOptions(config: DhcpConfig): DhcpOptions {
  const { domain, domainSearch = [], ntpServers = [], lease, serverAddress, subnet } = config;
  const values = new Map<number, Uint8Array>([
    [OptionCode.subnetMask, addressValue(netmask(subnet))],
    [OptionCode.router, addressValue(serverAddress)],
    [OptionCode.dnsServer, addressValue(serverAddress)],
    [OptionCode.interfaceMtu, u16Value(config.mtuBytes)],
    [OptionCode.broadcastAddress, addressValue(broadcast(subnet))],
  ]);
  // Options of zero length are malformed: https://www.rfc-editor.org/rfc/rfc2132#section-3.14 requires at
  // least one byte.
  if (lease.hostname !== '') values.set(OptionCode.hostName, textValue(lease.hostname));
  if (domain !== '') values.set(OptionCode.domainName, textValue(domain));
  const searched = domainSearch.filter(isSearchable);
  if (searched.length > 0) values.set(OptionCode.domainSearch, domainSearchValue(searched));
  if (ntpServers.length > 0) values.set(OptionCode.ntpServer, addressValue(...ntpServers));
  return values;
}

function wantedOptions(request: DhcpMessage, values: DhcpOptions): readonly [number, Uint8Array][] {
  const list = request.options.get(OptionCode.parameterRequestList);
  const codes = list === undefined ? ON_REQUEST : new Set(list);
  return [...codes].flatMap((code) => {
    const value = values.get(code);
    return value === undefined || ALWAYS_SENT.some((always) => always === code) ? [] : [[code, value]];
  });
}

function optionBytesFor(request: DhcpMessage): number {
  const datagramBytes = Math.max(MIN_DATAGRAM_BYTES, maxMessageSizeOption(request.options) ?? 0);
  return datagramBytes - IP_AND_UDP_BYTES - FIXED_BYTES - 1;
}

function fitting(
  required: readonly [number, Uint8Array][],
  wanted: readonly [number, Uint8Array][],
  availableBytes: number,
): readonly [number, Uint8Array][] {
  let left = required.reduce((rest, [, value]) => rest - encodedOptionLength(value), availableBytes);
  const chosen = wanted.filter(([, value]) => {
    const isFitting = encodedOptionLength(value) <= left;
    if (isFitting) left -= encodedOptionLength(value);
    return isFitting;
  });
  return [...required, ...chosen];
}
