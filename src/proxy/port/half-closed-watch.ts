import type { Socket } from 'node:net';

/** How soon a reset is noticed, and how much that costs at most. */
const EVERY_MS = 1_000;
const MAX_AT_ONCE = 500;

/**
 * Notices that the peer of a half-closed connection has reset it. libuv no longer waits for events of a socket
 * that has ended and has nothing to write (https://github.com/libuv/libuv/issues/3449); an empty write sends
 * nothing, but fails if the connection is gone, and the socket closes as it does after any failed write.
 * INVARIANT: the timer runs only while there are sockets; the one that was tried longest ago is the first.
 */
export class HalfClosedWatch {
  readonly #sockets = new Set<Socket>();
  #timer: NodeJS.Timeout | undefined;

  /** From the end of what the socket reads until it is closed. */
  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#delete(socket));
    this.#timer ??= setInterval(() => this.#try(), EVERY_MS).unref();
  }

  #try(): void {
    for (const socket of [...this.#sockets].slice(0, MAX_AT_ONCE)) {
      this.#sockets.delete(socket);
      this.#sockets.add(socket);
      // Whatever waits to be written notices it too, and after the end of both directions the socket closes.
      if (socket.writable && socket.writableLength === 0) socket.write('');
    }
  }

  #delete(socket: Socket): void {
    this.#sockets.delete(socket);
    if (this.#sockets.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** All forwarders share one, so that its cost is bounded however many ports there are. */
export const halfClosedWatch = new HalfClosedWatch();
