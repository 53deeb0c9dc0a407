import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { bindError } from '../bind-error.js';
import { MAX_QUERY_BYTES } from './dns-constants.js';
import { framed, Framing } from './framing.js';

export interface TcpListenerOptions {
  readonly address: string;
  readonly port: number;
  isClient(address: string): boolean;
  onQuery(bytes: Uint8Array, reply: (answer: Uint8Array) => void): void;
}

export interface TcpListener {
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 100;
/** RFC 7766 §6.2.3: some seconds; the guest can always connect again. */
const IDLE_MS = 10_000;
/** Questions of one connection that wait for their answers; then we read no further (RFC 7766 §6.2.1.1). */
const MAX_PIPELINED = 100;
/** A client that asks and does not read its answers. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DNS_SERVER, MOBYVM_NOT_ROOT */
export async function listenTcp(options: TcpListenerOptions): Promise<TcpListener> {
  const { address, port } = options;
  const connections = new Set<Connection>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    if (!options.isClient(socket.remoteAddress ?? '')) return void socket.destroy();
    if (connections.size >= MAX_CONNECTIONS && !dropIdle(connections)) return void socket.destroy();
    const connection = new Connection(socket, options);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  });
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    const wanted = { protocol: 'tcp', address, port, who: 'The DNS server' } as const;
    throw await bindError({ ...wanted, code: 'MOBYVM_DNS_SERVER' }, error);
  }
  // Of a listening server only running out of descriptors: it goes on with the next connection.
  server.on('error', () => undefined);
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections.size;
    },
    close: async () => {
      for (const connection of connections) connection.end();
      if (!server.listening) return;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** Makes room for a new connection by ending the one that has had nothing to do for longest. */
function dropIdle(connections: Set<Connection>): boolean {
  const idle = [...connections].filter((connection) => connection.waiting === 0);
  const oldest = idle.sort((a, b) => a.lastUsedMs - b.lastUsedMs)[0];
  if (oldest === undefined) return false;
  connections.delete(oldest);
  oldest.end();
  return true;
}

/**
 * One client's connection: several queries may be under way, and answers go out as they come (RFC 7766 §6.2.1.1).
 * INVARIANT: `waiting` is the number of queries handed on whose answer has not been written.
 */
class Connection {
  readonly #socket: Socket;
  readonly #options: TcpListenerOptions;
  readonly #framing = new Framing();
  readonly #queue: Uint8Array[] = [];
  #isEnding = false;
  #isHandingOn = false;
  waiting = 0;
  lastUsedMs = performance.now();

  constructor(socket: Socket, options: TcpListenerOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#read(chunk));
    // The client has asked all it wanted: its answers still go out.
    socket.on('end', () => {
      this.#isEnding = true;
      this.#endIfDone();
    });
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    this.lastUsedMs = performance.now();
    this.#queue.push(...this.#framing.push(chunk));
    if ((this.#framing.expectedBytes ?? 0) > MAX_QUERY_BYTES) return void this.#socket.destroy();
    this.#handOn();
  }

  #handOn(): void {
    // An answer that is there at once comes back here: the loop goes on with it, not a deeper one.
    if (this.#isHandingOn) return;
    this.#isHandingOn = true;
    while (this.waiting < MAX_PIPELINED) {
      const query = this.#queue.shift();
      if (query === undefined) break;
      this.#ask(query);
    }
    this.#isHandingOn = false;
    if (this.waiting >= MAX_PIPELINED) this.#socket.pause();
    else this.#socket.resume();
  }

  #ask(query: Uint8Array): void {
    this.waiting += 1;
    let isAnswered = false;
    this.#options.onQuery(query, (answer) => {
      if (isAnswered) return;
      isAnswered = true;
      this.waiting -= 1;
      if (this.#socket.destroyed) return;
      this.#socket.write(framed(answer));
      if (this.#socket.writableLength > MAX_UNREAD_BYTES) return void this.#socket.destroy();
      this.#handOn();
      this.#endIfDone();
    });
  }

  #endIfDone(): void {
    if (this.#isEnding && this.waiting === 0 && this.#queue.length === 0) this.#socket.end();
  }
}
