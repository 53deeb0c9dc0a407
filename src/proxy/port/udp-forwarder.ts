import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { textOf } from '../../core/values/index.js';
import type { Forwarder, ForwarderOptions } from './forwarder.js';
import { enlargeBuffers, UdpSession, type SessionSurroundings } from './udp-session.js';

/** As docker-proxy has it. */
const IDLE_MS = 90_000;
const SWEEP_EVERY_MS = 10_000;
const MAX_CLIENTS = 1_024;
/** Room for some datagrams of the largest size, 65,507 bytes, and what the kernel adds to each. */
const SOCKET_BUFFER_BYTES = 1024 * 1024;

export interface UdpForwarderOptions extends ForwarderOptions {
  /** 1,024 if absent. */
  readonly maxClients?: number;
  /** After so long without a datagram a client is forgotten; 90,000 if absent. */
  readonly idleMs?: number;
}

/**
 * Forwards datagrams to the guest: each client has a socket of its own, by which the answers find back. It listens on one
 * address only, so that answers come from the address that the client used. ICMP errors end nothing.
 * @throws the system's error when it cannot listen
 */
export async function forwardUdp(options: UdpForwarderOptions): Promise<Forwarder> {
  const { address, port, maxClients = MAX_CLIENTS, idleMs = IDLE_MS } = options;
  const type = address.includes(':') ? 'udp6' : 'udp4';
  const socket = createSocket({ type, ipv6Only: type === 'udp6' });
  try {
    socket.bind({ address, port, exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw error;
  }
  enlargeBuffers(socket, SOCKET_BUFFER_BYTES);
  const forwarder = new UdpForwarder(socket, options, { maxClients, idleMs });
  socket.on('message', (datagram, from) => forwarder.take(datagram, from));
  // Windows tells of ICMP errors here; nothing follows from them.
  socket.on('error', (error) => options.onTrouble('ports.datagram.failed', textOf(error)));
  socket.once('close', () => forwarder.reset());
  return forwarder;
}

/** INVARIANT: `#sessions` is in the order of use, the one that was silent for longest first. */
class UdpForwarder implements Forwarder {
  readonly #socket: Socket;
  readonly #options: ForwarderOptions;
  readonly #limits: { readonly maxClients: number; readonly idleMs: number };
  readonly #sessions = new Map<string, UdpSession>();
  #sweep: NodeJS.Timeout | undefined;
  #isListening = true;
  bytesIn = 0;
  bytesOut = 0;

  constructor(
    socket: Socket,
    options: ForwarderOptions,
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
      this.#options.onTrouble('ports.datagram.dropped', 'the VM cannot be reached now');
      return undefined;
    }
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size >= this.#limits.maxClients && oldest !== undefined) this.#forget(oldest);
    const { idleMs } = this.#limits;
    this.#sweep ??= setInterval(() => this.#forgetSilent(), Math.min(SWEEP_EVERY_MS, idleMs));
    const key = `${from.address} ${from.port}`;
    return new UdpSession(target, this.#surroundings(key, from));
  }

  #surroundings(key: string, from: RemoteInfo): SessionSurroundings {
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

  #forgetSilent(): void {
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

function nothing(): void {
  // A datagram that could not be sent is lost, as datagrams may be.
}
