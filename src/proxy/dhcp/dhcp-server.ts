import { Listeners, type Logger } from '../../core/host/index.js';
import { CodecError, macFromBytes, textOf, type Ipv4, type Mac } from '../../core/values/index.js';
import { OncePerMinute } from '../once-per-minute.js';
import type { PortFacts } from '../port-facts.js';
import type { DhcpConfig, DhcpOffer } from './dhcp-config.js';
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
import { messageTypeName, messageTypeOption } from './options.codec.js';
import { planReply } from './reply.plan.js';

export interface DhcpServerOptions extends DhcpConfig {
  /** Whose rules for receiving broadcasts apply: see dhcp-sockets.ts. */
  readonly host: 'linux' | 'windows';
  readonly portFacts: PortFacts;
  readonly logger: Logger;
  /** Aborts the start only; `close` stops a running server. */
  readonly signal: AbortSignal;
  /** What to offer now, in place of the values that the server was started with. */
  readonly offer?: () => Partial<DhcpOffer>;
  /**
   * Milliseconds of a clock that only goes forward, and pauses while the host is suspended, as the VM does: a lease is
   * not over because the system clock was set. The process's own if absent.
   */
  readonly nowMs?: () => number;
}

export interface DhcpLease {
  readonly mac: Mac;
  readonly address: Ipv4;
  readonly hostname: string;
  readonly state: LeaseState | 'expired';
  /** Of a bound or expired lease, in milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined;
  /** When the VM's last message arrived, in milliseconds since the epoch. */
  readonly lastSeenMs: number | undefined;
}

export interface DhcpServer extends AsyncDisposable {
  leases(): readonly DhcpLease[];
  /** Called after each ACK, RELEASE and DECLINE. Returns the unsubscribe function. */
  onLease(listener: (lease: DhcpLease) => void): () => void;
  /**
   * Called for each DISCOVER of the VM: it has booted to its DHCP client. Returns the unsubscribe function.
   */
  onDiscover(listener: () => void): () => void;
  /** Repeatable. */
  close(): Promise<void>;
}

/**
 * Serves one fixed lease on the switch, to the VM with the given MAC address
 * (https://www.rfc-editor.org/rfc/rfc2131).
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
  readonly #warnings = new OncePerMinute();
  /** Separate, so that a flood of forged MAC addresses cannot suppress warnings. */
  readonly #ignoredMacs = new OncePerMinute();
  readonly #leaseListeners = new Listeners<DhcpLease>();
  readonly #discoverListeners = new Listeners();
  #lease: LeaseRecord = FRESH_LEASE;
  #sockets: DhcpSockets | undefined;

  constructor(options: DhcpServerOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  async open(signal: AbortSignal): Promise<void> {
    const { serverAddress, host, lease, logger, portFacts } = this.#options;
    this.#sockets = await openDhcpSockets({
      serverAddress,
      host,
      portFacts,
      signal,
      onMessage: (bytes) => this.#receive(bytes),
      onError: (error) => this.#warn('dhcp.socket.failed', { error: error.message }),
    });
    logger.info('dhcp.server.started', { serverAddress, mac: lease.mac, address: lease.address });
  }

  leases(): readonly DhcpLease[] {
    const { mac, address, hostname } = this.#options.lease;
    const now = this.#nowMs();
    const atEpoch = (ms: number | undefined): number | undefined =>
      ms === undefined ? undefined : Math.round(Date.now() + ms - now);
    const [expiresAtMs, lastSeenMs] = [this.#lease.expiresAtMs, this.#lease.lastSeenMs].map(atEpoch);
    return [{ mac, address, hostname, state: leaseStateAt(this.#lease, now), expiresAtMs, lastSeenMs }];
  }

  onLease(listener: (lease: DhcpLease) => void): () => void {
    return this.#leaseListeners.add(listener);
  }

  onDiscover(listener: () => void): () => void {
    return this.#discoverListeners.add(listener);
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
      this.#warn('dhcp.message.malformed', { problem: error.message, bytes: bytes.length });
    }
  }

  #handle(request: DhcpMessage): void {
    const config = { ...this.#options, ...this.#options.offer?.() };
    const decision = planLease(request, this.#lease, config, this.#nowMs());
    if (decision.kind === 'ignore') return this.#ignore(request, decision.reason);
    const type = messageTypeOption(request.options) ?? 0;
    const before = this.leases()[0]?.state;
    this.#lease = decision.lease;
    if (decision.kind === 'answer') {
      const reply = planReply(request, decision.answer, config);
      this.#send(encodeMessage(reply.message), reply.destination);
      this.#logAnswer(decision.answer, before);
    } else if (this.#lease.state === 'declined') {
      const { address, mac } = this.#options.lease;
      this.#warn('dhcp.lease.declined', { address, mac });
    }
    if (type === MessageType.discover) this.#discoverListeners.emit();
    if (hasChangedLease(type, decision)) {
      for (const lease of this.leases()) this.#leaseListeners.emit(lease);
    }
  }

  #send(bytes: Uint8Array, destination: Ipv4): void {
    this.#sockets
      ?.send(bytes, destination)
      .catch((error: unknown) => this.#warn('dhcp.send.failed', { destination, error: textOf(error) }));
  }

  #logAnswer(answer: { readonly type: string; readonly because?: string }, before: string | undefined): void {
    const { mac, address } = this.#options.lease;
    const { logger, leaseSeconds } = this.#options;
    if (answer.type === 'nak') return this.#warn('dhcp.request.refused', { mac, because: answer.because });
    const isNews = answer.type === 'ack' && before !== 'bound' && this.#warnings.allows('ack', this.#nowMs());
    if (isNews) logger.info('dhcp.lease.granted', { mac, address, leaseSeconds });
    else logger.debug('dhcp.answer.sent', { mac, type: answer.type });
  }

  #ignore(request: DhcpMessage, reason: IgnoreReason): void {
    const mac = macFromBytes(request.clientHardwareAddress);
    const { logger } = this.#options;
    if (this.#ignoredMacs.allows(mac, this.#nowMs())) {
      const type = messageTypeName(typeOf(request));
      logger.info('dhcp.message.ignored', { mac, reason, type });
    }
  }

  #warn(event: `dhcp.${string}`, fields: Readonly<Record<string, string | number | undefined>>): void {
    if (this.#warnings.allows(event, this.#nowMs())) this.#options.logger.warn(event, fields);
  }
}

/** The ACK for an INFORM has no lease. */
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
