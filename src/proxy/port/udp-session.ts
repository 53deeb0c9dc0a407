import { createSocket, type Socket } from 'node:dgram';
import { errnoOf, textOf } from '../../core/values/index.js';
import type { ForwarderTrouble, GuestPlace } from './forwarder.js';

/** Datagrams that wait for the socket to be ready, which takes less than a turn of the event loop. */
const MAX_WAITING = 64;
const SOCKET_BUFFER_BYTES = 512 * 1024;

export interface SessionSurroundings {
  onReply(datagram: Uint8Array, session: UdpSession): void;
  /** It cannot be used any more. */
  onGone(): void;
  readonly onTrouble: ForwarderTrouble;
}

/** What one client of a UDP port has with the guest: a socket that only the guest's port can answer to. */
export class UdpSession {
  readonly #socket: Socket;
  #waiting: Uint8Array[] | undefined = [];
  #isClosed = false;
  usedAtMs = performance.now();

  constructor({ host, port }: GuestPlace, around: SessionSurroundings) {
    this.#socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    this.#socket.on('message', (datagram) => around.onReply(datagram, this));
    this.#socket.on('error', (error) => {
      // An ICMP error says that nobody listens in the container now; somebody may the next time.
      if (errnoOf(error) === 'ECONNREFUSED' || this.#isClosed) return;
      around.onTrouble('ports.datagram.failed', textOf(error));
      around.onGone();
    });
    this.#socket.connect(port, host, (error?: Error) => {
      if (error !== undefined || this.#isClosed) return;
      enlargeBuffers(this.#socket, SOCKET_BUFFER_BYTES);
      const waiting = this.#waiting ?? [];
      this.#waiting = undefined;
      for (const datagram of waiting) this.send(datagram);
    });
  }

  send(datagram: Uint8Array): void {
    if (this.#isClosed) return;
    if (this.#waiting === undefined) this.#socket.send(datagram, nothing);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(datagram);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}

/** As far as the system lets us. */
export function enlargeBuffers(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
    socket.setSendBufferSize(bytes);
  } catch {
    // The system's own size does as well, for fewer datagrams at once.
  }
}

function nothing(): void {
  // A datagram that could not be sent, or found nobody, is lost, as datagrams may be.
}
