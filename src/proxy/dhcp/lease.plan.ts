import { macFromBytes, subnetContains, type Ipv4 } from '../../core/values/index.js';
import type { DhcpConfig } from './dhcp-config.js';
import type { DhcpMessage } from './message.codec.js';
import { MessageType, OptionCode } from './option-code.js';
import { addressOption, messageTypeOption } from './option-value.codec.js';

/**
 * - `free`: never asked for since we started
 * - `offered`: OFFER sent, no REQUEST yet
 * - `bound`: ACK sent; over at `expiresAtMs`
 * - `released`: the client gave it back
 * - `declined`: the client found somebody else using the address
 */
export type LeaseState = 'free' | 'offered' | 'bound' | 'released' | 'declined';

export interface LeaseRecord {
  readonly state: LeaseState;
  /** Of a bound lease; milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
  /** When the VM last sent a message that we understood. */
  readonly lastSeenMs: number | undefined;
}

export const FRESH_LEASE: LeaseRecord = { state: 'free', expiresAtMs: undefined, lastSeenMs: undefined };

export type IgnoreReason =
  | 'not-a-request'
  | 'not-ethernet'
  | 'relayed'
  | 'unknown-client'
  | 'plain-bootp'
  | 'unknown-type'
  | 'other-server'
  | 'no-address';

export interface Answer {
  readonly type: 'offer' | 'ack' | 'nak';
  /** The address given: 0.0.0.0 in a NAK and for INFORM. */
  readonly yourAddress: Ipv4;
  /** False for INFORM (RFC 2131 §3.4) and NAK: no lease times then. */
  readonly isLease: boolean;
  /** Option 56, why a NAK. */
  readonly because?: string;
}

export type LeaseDecision =
  | { readonly kind: 'ignore'; readonly reason: IgnoreReason }
  | { readonly kind: 'record'; readonly lease: LeaseRecord }
  | { readonly kind: 'answer'; readonly lease: LeaseRecord; readonly answer: Answer };

const NO_ADDRESS = '0.0.0.0' as Ipv4;

/**
 * What a client's message leads to: RFC 2131 §4.3, with one fixed lease known by its MAC address.
 * Relays are refused because the switch has none: a message with `giaddr` was forged or forwarded from elsewhere.
 * @throws CodecError when an option that decides has the wrong length
 */
export function planLease(
  message: DhcpMessage,
  lease: LeaseRecord,
  config: DhcpConfig,
  nowMs: number,
): LeaseDecision {
  const refusal = refusalOf(message, config);
  if (refusal !== undefined) return { kind: 'ignore', reason: refusal };
  const seen = { ...lease, lastSeenMs: nowMs };
  const type = messageTypeOption(message.options);
  const isForOther = namesOtherServer(message, config);
  switch (type) {
    case undefined:
      return { kind: 'ignore', reason: 'plain-bootp' };
    case MessageType.discover:
      return answerDiscover(seen, config, nowMs);
    case MessageType.request:
      return isForOther ? turnedDown(seen) : answerRequest(message, seen, config, nowMs);
    case MessageType.decline:
    case MessageType.release:
      return isForOther ? { kind: 'ignore', reason: 'other-server' } : giveBack(message, type, seen, config);
    case MessageType.inform:
      return answerInform(message, seen, config);
    default:
      return { kind: 'ignore', reason: 'unknown-type' };
  }
}

/** The state as a reader sees it now: a bound lease whose time is over is expired. */
export function leaseStateAt(lease: LeaseRecord, nowMs: number): LeaseState | 'expired' {
  return lease.state === 'bound' && (lease.expiresAtMs ?? nowMs) <= nowMs ? 'expired' : lease.state;
}

function refusalOf(message: DhcpMessage, config: DhcpConfig): IgnoreReason | undefined {
  if (message.op !== 1) return 'not-a-request';
  if (message.hardwareType !== 1 || message.hardwareLength !== 6) return 'not-ethernet';
  if (message.relayAddress !== NO_ADDRESS) return 'relayed';
  return macFromBytes(message.clientHardwareAddress) === config.lease.mac ? undefined : 'unknown-client';
}

function namesOtherServer(message: DhcpMessage, config: DhcpConfig): boolean {
  const named = addressOption(message.options, OptionCode.serverIdentifier);
  return named !== undefined && named !== config.serverAddress;
}

function answerDiscover(seen: LeaseRecord, config: DhcpConfig, nowMs: number): LeaseDecision {
  // A bound lease stays bound: the client may be a second DHCP program in the VM that only looks around.
  const isBound = leaseStateAt(seen, nowMs) === 'bound';
  return {
    kind: 'answer',
    lease: isBound ? seen : { ...seen, state: 'offered', expiresAtMs: undefined },
    answer: { type: 'offer', yourAddress: config.lease.address, isLease: true },
  };
}

/** RFC 2131 §4.3.2: the client took another server's offer. Ours is free again. */
function turnedDown(seen: LeaseRecord): LeaseDecision {
  return seen.state === 'offered'
    ? { kind: 'record', lease: { ...seen, state: 'free' } }
    : { kind: 'ignore', reason: 'other-server' };
}

/**
 * RFC 2131 §4.3.2, table 4. SELECTING names us and asks for `requested`; INIT-REBOOT asks for `requested`; RENEWING
 * and REBINDING have the address in `ciaddr`. We are the only authority for this MAC, so each of the four gets an
 * ACK for the one right address and a NAK for any other, also after we have forgotten everything in a restart.
 */
function answerRequest(
  message: DhcpMessage,
  seen: LeaseRecord,
  config: DhcpConfig,
  nowMs: number,
): LeaseDecision {
  const requested = addressOption(message.options, OptionCode.requestedAddress);
  const wanted = requested ?? message.clientAddress;
  if (wanted === NO_ADDRESS) return { kind: 'ignore', reason: 'no-address' };
  const { address } = config.lease;
  if (wanted !== address) {
    const because = subnetContains(config.subnet, wanted)
      ? `${wanted} is not the address of this machine`
      : `${wanted} is not on this network`;
    return {
      kind: 'answer',
      lease: seen,
      answer: { type: 'nak', yourAddress: NO_ADDRESS, isLease: false, because },
    };
  }
  return {
    kind: 'answer',
    lease: { ...seen, state: 'bound', expiresAtMs: nowMs + config.leaseSeconds * 1000 },
    answer: { type: 'ack', yourAddress: address, isLease: true },
  };
}

/** RFC 2131 §4.3.3 and §4.3.4: neither has an answer. */
function giveBack(
  message: DhcpMessage,
  type: typeof MessageType.decline | typeof MessageType.release,
  seen: LeaseRecord,
  config: DhcpConfig,
): LeaseDecision {
  const isDecline = type === MessageType.decline;
  const address = isDecline
    ? addressOption(message.options, OptionCode.requestedAddress)
    : message.clientAddress;
  if (address !== config.lease.address) return { kind: 'ignore', reason: 'no-address' };
  return {
    kind: 'record',
    lease: { ...seen, state: isDecline ? 'declined' : 'released', expiresAtMs: undefined },
  };
}

/** RFC 2131 §4.3.5: options for an address that was set by hand; no lease, nothing recorded but that it was seen. */
function answerInform(message: DhcpMessage, seen: LeaseRecord, config: DhcpConfig): LeaseDecision {
  if (!subnetContains(config.subnet, message.clientAddress)) return { kind: 'ignore', reason: 'no-address' };
  return {
    kind: 'answer',
    lease: seen,
    answer: { type: 'ack', yourAddress: NO_ADDRESS, isLease: false },
  };
}
