import { broadcast, netmask, subnetContains, type Ipv4 } from '../../core/values/index.js';
import type { DhcpConfig } from './dhcp-config.js';
import type { Answer } from './lease.plan.js';
import { FIXED_BYTES, type DhcpMessage } from './message.codec.js';
import { MessageType, OptionCode } from './option-code.js';
import {
  addressValue,
  domainSearchValue,
  maxMessageSizeOption,
  textValue,
  u16Value,
  u32Value,
} from './option-value.codec.js';
import { encodedOptionLength, type DhcpOptions } from './options.codec.js';

export interface Reply {
  readonly message: DhcpMessage;
  /** Where it goes, to port 68. */
  readonly destination: Ipv4;
}

const NO_ADDRESS = '0.0.0.0' as Ipv4;
const LIMITED_BROADCAST = '255.255.255.255' as Ipv4;
/** Option 57 counts the whole IP datagram: RFC 2131 §2 derives 576 from 312 bytes of options. */
const IP_AND_UDP_BYTES = 28;
const MIN_DATAGRAM_BYTES = 576;

/** A VM without these has no working network, so they are sent whether asked for or not. */
const ALWAYS_SENT = [OptionCode.subnetMask, OptionCode.router, OptionCode.dnsServer] as const;
/** Sent when asked for, or when the client has no list at all. */
const ON_REQUEST = [
  OptionCode.hostName,
  OptionCode.domainName,
  OptionCode.interfaceMtu,
  OptionCode.broadcastAddress,
] as const;

/**
 * The reply that carries an answer: fields by RFC 2131 table 3, options in the order in which the client asked
 * (RFC 2132 §9.8), the required ones first, cut to the client's message size (option 57) from the end.
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
 * RFC 2131 §4.1. A client with an address gets its answer there. One without gets a broadcast, also when its
 * broadcast flag is clear: unicast to a host that does not answer ARP yet needs a raw socket, and every client
 * must take the broadcast as well (the flag only says that it cannot take the unicast). The switch has no other
 * machine that it could disturb. An address outside the switch's network is not written to: the guest could make
 * the host send packets anywhere.
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
  return new Map(fitting(required, wantedOptions(request, values), roomFor(request)));
}

function networkOptions(config: DhcpConfig): DhcpOptions {
  const { domain, domainSearch = [], lease, serverAddress, subnet } = config;
  const values = new Map<number, Uint8Array>([
    [OptionCode.subnetMask, addressValue(netmask(subnet))],
    [OptionCode.router, addressValue(serverAddress)],
    [OptionCode.dnsServer, addressValue(serverAddress)],
    [OptionCode.interfaceMtu, u16Value(config.mtuBytes)],
    [OptionCode.broadcastAddress, addressValue(broadcast(subnet))],
  ]);
  // An option of no bytes is malformed (RFC 2132 asks for at least one): better none at all.
  if (lease.hostname !== '') values.set(OptionCode.hostName, textValue(lease.hostname));
  if (domain !== '') values.set(OptionCode.domainName, textValue(domain));
  if (domainSearch.length > 0) values.set(OptionCode.domainSearch, domainSearchValue(domainSearch));
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

function roomFor(request: DhcpMessage): number {
  const datagramBytes = Math.max(MIN_DATAGRAM_BYTES, maxMessageSizeOption(request.options) ?? 0);
  return datagramBytes - IP_AND_UDP_BYTES - FIXED_BYTES - 1;
}

function fitting(
  required: readonly [number, Uint8Array][],
  wanted: readonly [number, Uint8Array][],
  roomBytes: number,
): readonly [number, Uint8Array][] {
  let left = required.reduce((room, [, value]) => room - encodedOptionLength(value), roomBytes);
  const chosen = wanted.filter(([, value]) => {
    const isFitting = encodedOptionLength(value) <= left;
    if (isFitting) left -= encodedOptionLength(value);
    return isFitting;
  });
  return [...required, ...chosen];
}
