import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { bindSocket } from '../../core/host/index.js';
import { errnoOf, textOf } from '../../core/values/index.js';
import type { Endpoint } from '../endpoint.js';
import type { Forwarder, ForwarderOptions, ForwarderTrouble } from './forwarder.js';

/**
 * The same as docker-proxy's: https://github.com/moby/moby/blob/master/cmd/docker-proxy/udp_proxy_linux.go
 */
const IDLE_MS = 90_000;
const SWEEP_EVERY_MS = 10_000;
const MAX_CLIENTS = 1_024;
/** Enough for several datagrams of maximum size, 65,507 bytes, with the kernel's overhead. */
const LISTEN_BUFFER_BYTES = 1024 * 1024;
const SESSION_BUFFER_BYTES = 512 * 1024;
/** Datagrams queued until a session's socket is connected, which takes less than a turn of the event loop. */
const MAX_QUEUED = 64;

export interface UdpForwarderOptions extends ForwarderOptions {
  /** 1,024 if absent. */
  readonly maxClients?: number;
  /** A client is forgotten after so long without a datagram; 90,000 if absent. */
  readonly idleMs?: number;
  /**
   * For the wildcard address. Called for each datagram of a client that is not known yet; true if another
   * forwarder takes it.
   */
  readonly divert?: (datagram: Uint8Array, from: RemoteInfo) => Promise<boolean>;
}

export interface DatagramForwarder extends Forwarder {
  /** Forwards a datagram as if it had come to this address. */
  take(datagram: Uint8Array, from: RemoteInfo): void;
}

/** Datagrams of clients that are being looked up; more are taken as they come. */
const MAX_DIVERTING = 64;

/**
 * Forwards datagrams to the guest. Each client has its own socket towards the guest, so that answers can be
 * matched to it. Listens on a single address, so that answers come from the address that the client used.
 * ICMP errors are ignored.
 * @throws the system's error when it cannot listen
 */
export async function forwardUdp(options: UdpForwarderOptions): Promise<DatagramForwarder> {
  const { address, port, maxClients = MAX_CLIENTS, idleMs = IDLE_MS, isShared = false } = options;
  const type = address.includes(':') ? 'udp6' : 'udp4';
  const socket = createSocket({ type, ipv6Only: type === 'udp6', reuseAddr: isShared });
  await bindSocket(socket, { address, port, exclusive: true });
  enlargeBuffers(socket, LISTEN_BUFFER_BYTES);
  const forwarder = new UdpForwarder(socket, options, { maxClients, idleMs });
  socket.on('message', (datagram, from) => void forwarder.receive(datagram, from));
  // Windows reports ICMP errors of earlier sends here.
  socket.on('error', (error) => options.onTrouble('ports.datagram.failed', textOf(error)));
  socket.once('close', () => forwarder.reset());
  return forwarder;
}

/** INVARIANT: `#sessions` is ordered by last use, least recent first. */
class UdpForwarder implements DatagramForwarder {
  readonly #socket: Socket;
  readonly #options: UdpForwarderOptions;
  readonly #limits: { readonly maxClients: number; readonly idleMs: number };
  readonly #sessions = new Map<string, UdpSession>();
  #sweep: NodeJS.Timeout | undefined;
  #diverting = 0;
  #isListening = true;
  bytesIn = 0;
  bytesOut = 0;

  constructor(
    socket: Socket,
    options: UdpForwarderOptions,
    limits: { readonly maxClients: number; readonly idleMs: number },
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = limits;
    socket.once('close', () => {
      this.#isListening = false;
    });
  }

  get isListening(): boolean {
    return this.#isListening;
  }

  get connections(): number {
    return this.#sessions.size;
  }

  async receive(datagram: Uint8Array, from: RemoteInfo): Promise<void> {
    const { divert } = this.#options;
    const isKnown = this.#sessions.has(`${from.address} ${from.port}`);
    if (divert !== undefined && !isKnown && this.#diverting < MAX_DIVERTING) {
      this.#diverting += 1;
      const isDiverted = await divert(datagram, from);
      this.#diverting -= 1;
      if (isDiverted || !this.#isListening) return;
    }
    this.take(datagram, from);
  }

  take(datagram: Uint8Array, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const session = this.#sessions.get(key) ?? this.#begin(from);
    if (session === undefined) return;
    this.#use(key, session);
    this.bytesIn += datagram.length;
    session.send(datagram);
  }

  reset(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  close(): void {
    if (this.#isListening) this.#socket.close();
    this.#isListening = false;
    this.reset();
  }

  #begin(from: RemoteInfo): UdpSession | undefined {
    const target = this.#options.target();
    if (target === undefined) {
      this.#options.onTrouble('ports.datagram.dropped', 'the VM cannot be reached');
      return undefined;
    }
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= this.#limits.maxClients && oldest !== undefined) this.#forget(oldest);
    const { idleMs } = this.#limits;
    this.#sweep ??= setInterval(() => this.#forgetIdle(), Math.min(SWEEP_EVERY_MS, idleMs));
    const key = `${from.address} ${from.port}`;
    return new UdpSession(target, this.#context(key, from));
  }

  #context(key: string, from: RemoteInfo): SessionContext {
    return {
      onReply: (datagram, session) => {
        if (!this.#isListening) return;
        this.#use(key, session);
        this.bytesOut += datagram.length;
        this.#socket.send(datagram, from.port, from.address, nothing);
      },
      onGone: () => this.#forget(key),
      onTrouble: this.#options.onTrouble,
    };
  }

  #use(key: string, session: UdpSession): void {
    session.usedAtMs = performance.now();
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
  }

  #forget(key: string): void {
    this.#sessions.get(key)?.close();
    this.#sessions.delete(key);
  }

  #forgetIdle(): void {
    const before = performance.now() - this.#limits.idleMs;
    for (const [key, session] of this.#sessions) {
      if (session.usedAtMs > before) break;
      this.#forget(key);
    }
    if (this.#sessions.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

interface SessionContext {
  onReply(datagram: Uint8Array, session: UdpSession): void;
  /** The session is unusable. */
  onGone(): void;
  readonly onTrouble: ForwarderTrouble;
}

/**
 * The traffic of one client: a socket connected to the guest's port, so that nobody else can answer on it.
 */
class UdpSession {
  readonly #socket: Socket;
  #queued: Uint8Array[] | undefined = [];
  #isClosed = false;
  usedAtMs = performance.now();

  constructor({ address, port }: Endpoint, context: SessionContext) {
    this.#socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('message', (datagram) => context.onReply(datagram, this));
    this.#socket.on('error', (error) => {
      if (this.#isClosed) return;
      // Port unreachable: nothing listens in the container now, but it may later. The next datagram gets a new
      // socket: for this one, the guest's kernel may remember where the datagrams went before the container had
      // its address.
      if (errnoOf(error) !== 'ECONNREFUSED') context.onTrouble('ports.datagram.failed', textOf(error));
      context.onGone();
    });
    this.#socket.connect(port, address, (error?: Error) => {
      if (error !== undefined || this.#isClosed) return;
      enlargeBuffers(this.#socket, SESSION_BUFFER_BYTES);
      const queued = this.#queued ?? [];
      this.#queued = undefined;
      for (const datagram of queued) this.send(datagram);
    });
  }

  send(datagram: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#queued === undefined) this.#socket.send(datagram, nothing);
    else if (this.#queued.length < MAX_QUEUED) this.#queued.push(datagram);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}

/** As far as the system allows. */
function enlargeBuffers(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
    socket.setSendBufferSize(bytes);
  } catch {
    // The default size works as well, for smaller bursts.
  }
}

function nothing(): void {
  // A datagram that cannot be sent is lost, as datagrams may be.
}
