import type { Logger } from '../../core/host/index.js';
import { CodecError, macFromBytes, textOf, type Ipv4, type Mac } from '../../core/values/index.js';
import { OncePerMinute } from '../once-per-minute.js';
import type { DhcpConfig } from './dhcp-config.js';
import { openDhcpSockets, type DhcpSockets } from './dhcp-sockets.js';
import {
  FRESH_LEASE,
  leaseStateAt,
  planLease,
  type IgnoreReason,
  type LeaseRecord,
  type LeaseState,
} from './lease.plan.js';
import { decodeMessage, encodeMessage, type DhcpMessage } from './message.codec.js';
import { MessageType } from './option-code.js';
import { messageTypeName, messageTypeOption } from './option-value.codec.js';
import { planReply } from './reply.plan.js';

export interface DhcpServerOptions extends DhcpConfig {
  /** Whose rules for receiving broadcasts hold: see dhcp-sockets.ts. */
  readonly host: 'linux' | 'windows';
  readonly logger: Logger;
  /** Ends the start only; a running server ends with `close`. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch; the machine's clock if absent. */
  readonly nowMs?: () => number;
}

export interface DhcpLease {
  readonly mac: Mac;
  readonly address: Ipv4;
  readonly hostname: string;
  readonly state: LeaseState | 'expired';
  /** Of a bound or expired lease; milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
  /** The VM's last message; milliseconds since the epoch. */
  readonly lastSeenMs: number | undefined;
}

export interface DhcpServer extends AsyncDisposable {
  leases(): readonly DhcpLease[];
  /** Called after each ACK, RELEASE and DECLINE. Returns the unsubscribe function. */
  onLease(listener: (lease: DhcpLease) => void): () => void;
  /** Called when the VM has sent a DISCOVER: its kernel runs and its network card works. Returns the unsubscribe function. */
  onDiscover(listener: () => void): () => void;
  /** Repeatable. */
  close(): Promise<void>;
}

/**
 * Serves one fixed lease on the switch: RFC 2131 and 2132, for the one VM that is known by its MAC address.
 * @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DHCP_SERVER, MOBYVM_NOT_ROOT
 */
export async function startDhcpServer(options: DhcpServerOptions): Promise<DhcpServer> {
  const server = new Server(options);
  await server.open(options.signal);
  return server;
}

class Server implements DhcpServer {
  readonly #options: DhcpServerOptions;
  readonly #nowMs: () => number;
  readonly #quiet = new OncePerMinute();
  /** Its own, so that a flood of made-up MAC addresses hides nothing else. */
  readonly #quietPerMac = new OncePerMinute();
  readonly #leaseListeners = new Set<(lease: DhcpLease) => void>();
  readonly #discoverListeners = new Set<() => void>();
  #lease: LeaseRecord = FRESH_LEASE;
  #sockets: DhcpSockets | undefined;

  constructor(options: DhcpServerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
  }

  async open(signal: AbortSignal): Promise<void> {
    const { serverAddress, host, lease, logger } = this.#options;
    this.#sockets = await openDhcpSockets({
      serverAddress,
      host,
      signal,
      onMessage: (bytes) => this.#receive(bytes),
      onError: (error) => this.#complain('dhcp.socket.failed', { error: error.message }),
    });
    logger.info('dhcp.server.started', { serverAddress, mac: lease.mac, address: lease.address });
  }

  leases(): readonly DhcpLease[] {
    const { mac, address, hostname } = this.#options.lease;
    const { expiresAtMs, lastSeenMs } = this.#lease;
    const state = leaseStateAt(this.#lease, this.#nowMs());
    return [{ mac, address, hostname, state, expiresAtMs, lastSeenMs }];
  }

  onLease(listener: (lease: DhcpLease) => void): () => void {
    this.#leaseListeners.add(listener);
    return () => void this.#leaseListeners.delete(listener);
  }

  onDiscover(listener: () => void): () => void {
    this.#discoverListeners.add(listener);
    return () => void this.#discoverListeners.delete(listener);
  }

  async close(): Promise<void> {
    const sockets = this.#sockets;
    this.#sockets = undefined;
    await sockets?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#handle(decodeMessage(bytes));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#complain('dhcp.message.malformed', { problem: error.message, bytes: bytes.length });
    }
  }

  #handle(request: DhcpMessage): void {
    const decision = planLease(request, this.#lease, this.#options, this.#nowMs());
    if (decision.kind === 'ignore') return this.#ignore(request, decision.reason);
    const type = messageTypeOption(request.options) ?? 0;
    const before = this.leases()[0]?.state;
    this.#lease = decision.lease;
    if (decision.kind === 'answer') {
      const reply = planReply(request, decision.answer, this.#options);
      this.#send(encodeMessage(reply.message), reply.destination);
      this.#logAnswer(decision.answer, before);
    } else if (this.#lease.state === 'declined') {
      const { address, mac } = this.#options.lease;
      this.#complain('dhcp.lease.declined', { address, mac });
    }
    if (type === MessageType.discover) for (const listener of this.#discoverListeners) listener();
    if (hasChangedLease(type, decision)) {
      for (const lease of this.leases()) for (const listener of this.#leaseListeners) listener(lease);
    }
  }

  #send(bytes: Uint8Array, destination: Ipv4): void {
    this.#sockets
      ?.send(bytes, destination)
      .catch((error: unknown) => this.#complain('dhcp.send.failed', { destination, error: textOf(error) }));
  }

  #logAnswer(answer: { readonly type: string; readonly because?: string }, before: string | undefined): void {
    const { mac, address } = this.#options.lease;
    const { logger, leaseSeconds } = this.#options;
    if (answer.type === 'nak')
      return this.#complain('dhcp.request.refused', { mac, because: answer.because });
    const isNews = answer.type === 'ack' && before !== 'bound' && this.#quiet.allows('ack', this.#nowMs());
    if (isNews) logger.info('dhcp.lease.granted', { mac, address, leaseSeconds });
    else logger.debug('dhcp.answer.sent', { mac, type: answer.type });
  }

  #ignore(request: DhcpMessage, reason: IgnoreReason): void {
    const mac = macFromBytes(request.clientHardwareAddress);
    const { logger } = this.#options;
    if (this.#quietPerMac.allows(mac, this.#nowMs())) {
      const type = messageTypeName(typeOf(request));
      logger.info('dhcp.message.ignored', { mac, reason, type });
    }
  }

  #complain(event: `dhcp.${string}`, fields: Readonly<Record<string, string | number | undefined>>): void {
    if (this.#quiet.allows(event, this.#nowMs())) this.#options.logger.warn(event, fields);
  }
}

/** An INFORM is acknowledged as well, but it has no lease. */
function hasChangedLease(type: number, decision: Exclude<Decision, { kind: 'ignore' }>): boolean {
  if (decision.kind === 'record') return type === MessageType.release || type === MessageType.decline;
  return decision.answer.type === 'ack' && decision.answer.isLease;
}

type Decision = ReturnType<typeof planLease>;

function typeOf(request: DhcpMessage): number {
  try {
    return messageTypeOption(request.options) ?? 0;
  } catch {
    return 0;
  }
}
