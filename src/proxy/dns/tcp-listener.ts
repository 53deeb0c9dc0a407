import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startListening, stopListening } from '../../core/host/index.js';
import { bindError } from '../bind-error.js';
import { MAX_QUERY_BYTES } from './dns-constants.js';
import { framed, Framing } from './framing.js';
import type { QuerySource } from './source-limits.js';
import type { ListenerOptions } from './udp-listener.js';

export interface TcpListener {
  readonly port: number;
  readonly connections: number;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 100;
/** "On the order of a few seconds": https://www.rfc-editor.org/rfc/rfc7766#section-6.2.3 */
const IDLE_MS = 10_000;
/**
 * Pending queries of one connection; reading pauses there
 * (https://www.rfc-editor.org/rfc/rfc7766#section-6.2.1.1).
 */
const MAX_PIPELINED = 100;
/** A client that does not read its answers is disconnected. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_DNS_SERVER, MOBYVM_NOT_ROOT */
export async function listenTcp(options: ListenerOptions): Promise<TcpListener> {
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
    await startListening(server, { host: address, port, exclusive: true });
  } catch (error) {
    const wanted = { protocol: 'tcp', address, port, who: 'The DNS server' } as const;
    throw await bindError({ ...wanted, code: 'MOBYVM_DNS_SERVER' }, error, options.portFacts);
  }
  // Out of descriptors, for example: the connection is lost, the server keeps listening.
  server.on('error', () => undefined);
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections.size;
    },
    close: async () => {
      for (const connection of connections) connection.end();
      await stopListening(server);
    },
  };
}

/** Closes the connection that has been idle for longest. @returns whether there was one */
function dropIdle(connections: Set<Connection>): boolean {
  const idle = [...connections].filter((connection) => connection.pending === 0);
  const oldest = idle.sort((a, b) => a.lastUsedMs - b.lastUsedMs)[0];
  if (oldest === undefined) return false;
  connections.delete(oldest);
  oldest.end();
  return true;
}

/**
 * One client's connection: queries may be pipelined, and answers are sent as they arrive, in any order
 * (https://www.rfc-editor.org/rfc/rfc7766#section-6.2.1.1).
 * INVARIANT: `pending` is the number of queries passed to `onQuery` whose answer has not been written.
 */
class Connection {
  readonly #socket: Socket;
  readonly #options: ListenerOptions;
  readonly #framing = new Framing();
  readonly #source: QuerySource;
  readonly #queue: Uint8Array[] = [];
  #isEnding = false;
  #isPassingOn = false;
  pending = 0;
  lastUsedMs = performance.now();

  constructor(socket: Socket, options: ListenerOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#source = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    // Whoever waits for an answer is not idle.
    socket.setTimeout(IDLE_MS, () => {
      if (this.pending === 0) socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => this.#read(chunk));
    // The client will ask nothing more, but still reads its answers.
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
    this.#passOn();
  }

  #passOn(): void {
    // A query that is answered synchronously re-enters here: the outer loop continues instead of recursing.
    if (this.#isPassingOn) return;
    this.#isPassingOn = true;
    while (this.pending < MAX_PIPELINED) {
      const query = this.#queue.shift();
      if (query === undefined) break;
      this.#ask(query);
    }
    this.#isPassingOn = false;
    if (this.pending >= MAX_PIPELINED) this.#socket.pause();
    else this.#socket.resume();
  }

  #ask(query: Uint8Array): void {
    this.pending += 1;
    let isAnswered = false;
    this.#options.onQuery(query, this.#source, (answer) => {
      if (isAnswered) return;
      isAnswered = true;
      this.pending -= 1;
      if (this.#socket.destroyed) return;
      this.#socket.write(framed(answer.bytes));
      if (this.#socket.writableLength > MAX_UNREAD_BYTES) return void this.#socket.destroy();
      this.#passOn();
      this.#endIfDone();
    });
  }

  #endIfDone(): void {
    if (this.#isEnding && this.pending === 0 && this.#queue.length === 0) this.#socket.end();
  }
}
