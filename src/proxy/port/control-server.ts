import { createServer, type Socket } from 'node:net';
import { isSameSecret, startListening, stopListening, type Logger } from '../../core/host/index.js';
import { CodecError, MobyvmError, textOf } from '../../core/values/index.js';
import { bindError } from '../bind-error.js';
import { OncePerMinute } from '../once-per-minute.js';
import type { PortFacts } from '../port-facts.js';
import {
  decodeGuestMessage,
  encodeHostAnswer,
  MAX_LINE_BYTES,
  type Exposed,
  type HostAnswer,
} from './control.codec.js';
import type { PortRequest } from './port-request.js';

/** One control connection: the guest holds a port for as long as the connection exists. */
export interface Lease {
  /** Closes the connection; the guest asks again if it still needs the port. */
  drop(): void;
}

/** Decides about ports; implemented by the publisher. */
export interface PortLeases {
  /** @throws MobyvmError MOBYVM_PORT_PUBLISH */
  expose(request: PortRequest, lease: Lease, isRenewal: boolean): Promise<Exposed>;
  /** The guest releases the port. */
  release(lease: Lease): Promise<void>;
  /** The connection was lost; the container may still be running. */
  lost(lease: Lease): void;
}

export interface PortControlOptions {
  /** The host's address on the switch: only the VM and the host itself can reach it. */
  readonly address: string;
  readonly port: number;
  /** The secret that requests must carry; while there is none, all are refused. */
  readonly token: () => string | undefined;
  /** Called with whether a request carried it. */
  readonly onToken?: (isRight: boolean) => void;
  readonly leases: PortLeases;
  readonly portFacts: PortFacts;
  readonly logger: Logger;
}

export interface PortControl {
  readonly port: number;
  readonly connections: number;
  /** Closes all connections: the guest that held them is gone. */
  dropAll(): void;
  close(): Promise<void>;
}

/** From the connection to the end of the request line. */
const REQUEST_MS = 5_000;
/** Connections that have not shown the token yet; beyond this the oldest is closed. */
const MAX_UNAUTHENTICATED = 128;
/** More published ports than any machine has; each has a connection. */
const MAX_CONNECTIONS = 16_384;
/** A guest that vanishes is noticed about ten seconds after this. */
const KEEP_ALIVE_AFTER_MS = 30_000;

/**
 * Serves the guest's requests for ports.
 * @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_PORT_SERVER, MOBYVM_NOT_ROOT
 */
export async function startPortControl(options: PortControlOptions): Promise<PortControl> {
  const { address, port } = options;
  const connections = new Set<ControlConnection>();
  const unauthenticated = new Set<ControlConnection>();
  const warnings = new OncePerMinute();
  const warn = (event: `ports.control.${string}`, reason: string): void => {
    if (warnings.allows(event, performance.now())) options.logger.warn(event, { reason });
  };
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS },
    (socket) => {
      if (connections.size >= MAX_CONNECTIONS) return void socket.destroy();
      const [oldest] = unauthenticated;
      if (unauthenticated.size >= MAX_UNAUTHENTICATED) oldest?.drop();
      const connection = new ControlConnection(socket, options, {
        warn,
        authenticated: () => unauthenticated.delete(connection),
      });
      connections.add(connection);
      unauthenticated.add(connection);
      socket.once('close', () => {
        connections.delete(connection);
        unauthenticated.delete(connection);
      });
    },
  );
  try {
    await startListening(server, { host: address, port, exclusive: true });
  } catch (error) {
    const wanted = { protocol: 'tcp', address, port, who: 'The server for published ports' } as const;
    throw await bindError({ ...wanted, code: 'MOBYVM_PORT_SERVER' }, error, options.portFacts);
  }
  server.on('error', (error) => warn('ports.control.unaccepted', textOf(error)));
  const dropAll = (): void => {
    for (const connection of connections) connection.drop();
  };
  return {
    get port() {
      const bound = server.address();
      return typeof bound === 'object' && bound !== null ? bound.port : port;
    },
    get connections() {
      return connections.size;
    },
    dropAll,
    close: async () => {
      dropAll();
      await stopListening(server);
    },
  };
}

interface ConnectionContext {
  warn(event: `ports.control.${string}`, reason: string): void;
  /** The connection has shown the token. */
  authenticated(): void;
}

/**
 * One connection: a request, its answer, then nothing until the guest releases the port or disconnects.
 * INVARIANT: for a request that was accepted, `release` or `lost` is called exactly once.
 */
class ControlConnection implements Lease {
  readonly #socket: Socket;
  readonly #options: PortControlOptions;
  readonly #context: ConnectionContext;
  #text = '';
  #isAccepted = false;
  #isOver = false;

  constructor(socket: Socket, options: PortControlOptions, context: ConnectionContext) {
    this.#socket = socket;
    this.#options = options;
    this.#context = context;
    const timer = setTimeout(() => this.#refuse('no request arrived in time'), REQUEST_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#closed();
    });
    socket.on('error', () => socket.destroy());
    // One character per byte, so that the limit is in bytes; no field has non-ASCII text.
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#text += chunk.slice(0, MAX_LINE_BYTES + 1);
      if (this.#text.includes('\n')) clearTimeout(timer);
      this.#read();
    });
  }

  drop(): void {
    this.#socket.destroy();
  }

  #read(): void {
    for (let end = this.#text.indexOf('\n'); end >= 0 && !this.#isOver; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      this.#take(line);
    }
    if (this.#text.length > MAX_LINE_BYTES) this.#refuse('the request is too long');
  }

  #take(line: string): void {
    try {
      const message = decodeGuestMessage(line);
      if (message.kind === 'release' && this.#isAccepted) return void this.#release();
      if (message.kind === 'release' || this.#isAccepted)
        return this.#refuse('each connection is for one port');
      const { token, request, isRenewal } = message.expose;
      const isRight = isSameSecret(token, this.#options.token());
      this.#options.onToken?.(isRight);
      if (!isRight) return this.#refuse("the token is not this machine's");
      this.#isAccepted = true;
      this.#context.authenticated();
      void this.#expose(request, isRenewal);
    } catch (error) {
      this.#refuse(error instanceof CodecError ? error.message : textOf(error));
    }
  }

  async #expose(request: PortRequest, isRenewal: boolean): Promise<void> {
    try {
      const exposed = await this.#options.leases.expose(request, this, isRenewal);
      if (exposed.kind === 'ok') this.#answer(exposed);
      else this.#end(exposed);
    } catch (error) {
      if (!(error instanceof MobyvmError)) this.#context.warn('ports.control.failed', textOf(error));
      this.#end({ kind: 'error', reason: textOf(error) });
    }
  }

  async #release(): Promise<void> {
    this.#isOver = true;
    await this.#options.leases.release(this);
    // The guest waits for this: only now is the port free for the next container.
    this.#socket.end();
  }

  #closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isAccepted) this.#options.leases.lost(this);
  }

  #answer(answer: HostAnswer): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeHostAnswer(answer));
  }

  /** Answers and closes; nothing was published. */
  #end(answer: HostAnswer): void {
    this.#isOver = true;
    this.#answer(answer);
    this.#socket.destroySoon();
  }

  #refuse(reason: string): void {
    if (this.#isOver) return;
    this.#context.warn('ports.control.refused', reason);
    this.#text = '';
    if (this.#isAccepted) return void this.#socket.destroy();
    this.#end({ kind: 'error', reason: `mobyvm: ${reason}` });
  }
}
