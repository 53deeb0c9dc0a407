import { macFromBytes, subnetContains, type Ipv4 } from '../../core/values/index.js';
import type { DhcpConfig } from './dhcp-config.js';
import type { DhcpMessage } from './message.codec.js';
import { MessageType, OptionCode } from './option-code.js';
import { addressOption, messageTypeOption } from './options.codec.js';

/**
 * - `free`: not requested since the server started
 * - `offered`: OFFER sent, no REQUEST yet
 * - `bound`: ACK sent; expires at `expiresAtMs`
 * - `released`: the client has released it
 * - `declined`: the client found the address in use by another machine
 */
export type LeaseState = 'free' | 'offered' | 'bound' | 'released' | 'declined';

export interface LeaseRecord {
  readonly state: LeaseState;
  /** Of a bound lease, by the clock that `planLease` is given. */
  readonly expiresAtMs: number | undefined;
  /** When the VM's last valid message arrived. */
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
  /** The assigned address; 0.0.0.0 in a NAK and for INFORM. */
  readonly yourAddress: Ipv4;
  /** False for a NAK and for INFORM (https://www.rfc-editor.org/rfc/rfc2131#section-3.4): no lease times. */
  readonly isLease: boolean;
  /** Option 56: the reason for a NAK. */
  readonly because?: string;
}

export type LeaseDecision =
  | { readonly kind: 'ignore'; readonly reason: IgnoreReason }
  | { readonly kind: 'record'; readonly lease: LeaseRecord }
  | { readonly kind: 'answer'; readonly lease: LeaseRecord; readonly answer: Answer };

const NO_ADDRESS = '0.0.0.0' as Ipv4;

/**
 * Decides on a client's message (https://www.rfc-editor.org/rfc/rfc2131#section-4.3) for one fixed lease,
 * identified by its MAC address. Relayed messages are ignored: the switch has no relay, so they are forged or
 * come from elsewhere.
 * @throws CodecError when an option that the decision depends on has the wrong length
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
      return isForOther ? declinedOffer(seen) : answerRequest(message, seen, config, nowMs);
    case MessageType.decline:
    case MessageType.release:
      return isForOther ? { kind: 'ignore', reason: 'other-server' } : endLease(message, type, seen, config);
    case MessageType.inform:
      return answerInform(message, seen, config);
    default:
      return { kind: 'ignore', reason: 'unknown-type' };
  }
}

/** The current state: a bound lease whose time has passed has expired. */
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
  // A bound lease stays bound: the DISCOVER may come from a second DHCP client in the VM.
  const isBound = leaseStateAt(seen, nowMs) === 'bound';
  return {
    kind: 'answer',
    lease: isBound ? seen : { ...seen, state: 'offered', expiresAtMs: undefined },
    answer: { type: 'offer', yourAddress: config.lease.address, isLease: true },
  };
}

/** The client accepted another server's offer: https://www.rfc-editor.org/rfc/rfc2131#section-4.3.2 */
function declinedOffer(seen: LeaseRecord): LeaseDecision {
  return seen.state === 'offered'
    ? { kind: 'record', lease: { ...seen, state: 'free' } }
    : { kind: 'ignore', reason: 'other-server' };
}

/**
 * Table 4 of https://www.rfc-editor.org/rfc/rfc2131#section-4.3.6: SELECTING and INIT-REBOOT have the address
 * in `requested`, RENEWING and REBINDING in `ciaddr`. We are the only authority for this MAC address, so in
 * all four states the right address gets an ACK and any other a NAK, even if the server has restarted and
 * remembers nothing.
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

/** DECLINE and RELEASE have no answer: https://www.rfc-editor.org/rfc/rfc2131#section-4.3.3 and 4.3.4 */
function endLease(
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

/**
 * INFORM asks for options for a statically configured address:
 * https://www.rfc-editor.org/rfc/rfc2131#section-4.3.5
 */
function answerInform(message: DhcpMessage, seen: LeaseRecord, config: DhcpConfig): LeaseDecision {
  if (!subnetContains(config.subnet, message.clientAddress)) return { kind: 'ignore', reason: 'no-address' };
  return {
    kind: 'answer',
    lease: seen,
    answer: { type: 'ack', yourAddress: NO_ADDRESS, isLease: false },
  };
}
