import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type {
  HangupProbe,
  ListenLocally,
  LocalListener,
  LocalListenerOptions,
} from '../../core/host/index.js';
import { errnoOf } from '../../core/values/index.js';
import { prepareSocketFile, type SocketFile } from './unix-listener-file.js';

/**
 * How many clients may wait to be accepted. Go's net.Dial gets EAGAIN at once when the queue is full. The
 * kernel caps the value at net.core.somaxconn: https://man7.org/linux/man-pages/man2/listen.2.html.
 */
const BACKLOG = 4_096;

const NOTHING = new Uint8Array(0);

/**
 * Writing zero bytes to a unix stream socket fails with EPIPE if the peer has closed it, and sends nothing
 * otherwise: unix_stream_sendmsg in https://github.com/torvalds/linux/blob/v6.1/net/unix/af_unix.c.
 */
export const unixHangupProbe: HangupProbe = (client) => void client.write(NOTHING);

/** Listens on a unix socket; see {@link ListenLocally}. */
export const listenOnUnixSocket: ListenLocally = async (options) => {
  const listener = new UnixListener(options);
  await listener.open(options.signal);
  return listener;
};

interface OpenSocket {
  readonly server: Server;
  readonly file: SocketFile;
}

class UnixListener implements LocalListener {
  readonly #options: LocalListenerOptions;
  readonly #connections = new Set<Socket>();
  /** Undefined until `open` has succeeded. */
  #current: OpenSocket | undefined;
  /** The last `open`; `close` waits for it, so that nothing is created after the end. */
  #opening: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: LocalListenerOptions) {
    this.#options = options;
  }

  get address(): string {
    return this.#options.address;
  }

  get connections(): number {
    return this.#connections.size;
  }

  open(signal?: AbortSignal): Promise<void> {
    const opening = this.#open(signal);
    this.#opening = opening.catch(() => undefined);
    return opening;
  }

  async restore(): Promise<boolean> {
    if (this.#closing !== undefined || (await this.#current?.file.isThere()) === true) return false;
    await this.open();
    return true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(signal: AbortSignal | undefined): Promise<void> {
    const { address, access, highWaterMark, logger } = this.#options;
    const prepared = await prepareSocketFile({ path: address, access, logger, signal });
    const server = createServer({ allowHalfOpen: true, highWaterMark }, (client) => this.#accept(client));
    try {
      server.listen({ path: prepared.bindPath, backlog: BACKLOG });
      await once(server, 'listening');
      const file = await prepared.publish();
      // A listening server only runs out of file descriptors; it continues with the next connection.
      server.on('error', (error) =>
        logger.error('listener.accept.failed', { address, error: error.message, errno: errnoOf(error) }),
      );
      const replaced = this.#current;
      this.#current = { server, file };
      replaced?.server.close();
    } catch (error) {
      if (server.listening) server.close();
      await prepared.discard();
      throw error;
    }
  }

  #accept(client: Socket): void {
    this.#connections.add(client);
    client.once('close', () => this.#connections.delete(client));
    // 'close' follows every error. Without a listener, an error before the server attaches its own would be
    // uncaught.
    client.on('error', () => undefined);
    if (this.#closing !== undefined) client.destroy();
    else this.#options.onConnection(client, unixHangupProbe);
  }

  async #close(): Promise<void> {
    await this.#opening;
    const { server, file } = this.#current ?? {};
    try {
      await file?.remove();
    } finally {
      // Includes those accepted by a server that `restore` has replaced.
      const closed = [...this.#connections].map(
        (client) => new Promise((resolve) => client.once('close', resolve)),
      );
      for (const client of this.#connections) client.destroy();
      await Promise.all(closed);
      if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  }
}
