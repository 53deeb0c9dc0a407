import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Logger } from '../../core/host/index.js';
import { CodecError, MobyvmError, textOf } from '../../core/values/index.js';
import { bindError } from '../bind-error.js';
import { OncePerMinute } from '../once-per-minute.js';
import { decodeGuestMessage, encodeHostAnswer, MAX_LINE_BYTES, type HostAnswer } from './control.codec.js';
import type { PortRequest } from './port-request.js';

/** Stands for one connection of the guest's: the port is the guest's as long as it is held. */
export interface Lease {
  /** Ends the connection; the guest asks again if it still wants the port. */
  drop(): void;
}

/** Who decides about ports; the publisher fits. */
export interface PortLeases {
  /** @returns false when the guest has to offer a relay port @throws MobyvmError MOBYVM_PORT_PUBLISH */
  expose(request: PortRequest, lease: Lease, isRenewal: boolean): Promise<boolean>;
  /** The guest gives the port back. */
  release(lease: Lease): Promise<void>;
  /** The connection was lost: the container may run or not. */
  lost(lease: Lease): void;
}

export interface PortControlOptions {
  /** The switch's address: only the VM, and the host itself, reach it. */
  readonly address: string;
  readonly port: number;
  /** What the guest has to know; while there is none nobody is served. */
  readonly token: () => string | undefined;
  readonly leases: PortLeases;
  readonly logger: Logger;
}

export interface PortControl {
  readonly port: number;
  readonly connections: number;
  /** Ends all connections: the guest that held them is gone. */
  dropAll(): void;
  close(): Promise<void>;
}

/** From connecting to the end of the request's line. */
const REQUEST_MS = 5_000;
/** Connections that have not proven themselves; the oldest makes room for the next. */
const MAX_STRANGERS = 128;
/** More ports than a machine can use; each is a connection. */
const MAX_CONNECTIONS = 16_384;
/** A guest that is gone without a word is noticed in about this time and ten seconds. */
const KEEP_ALIVE_AFTER_MS = 30_000;

/** Takes the guest's requests for ports. @throws MobyvmError MOBYVM_PORT_IN_USE, MOBYVM_PORT_SERVER, MOBYVM_NOT_ROOT */
export async function startPortControl(options: PortControlOptions): Promise<PortControl> {
  const { address, port } = options;
  const connections = new Set<ControlConnection>();
  const strangers = new Set<ControlConnection>();
  const warnings = new OncePerMinute();
  const warn = (event: `ports.control.${string}`, reason: string): void => {
    if (warnings.allows(event, performance.now())) options.logger.warn(event, { reason });
  };
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS },
    (socket) => {
      if (connections.size >= MAX_CONNECTIONS) return void socket.destroy();
      const [oldest] = strangers;
      if (strangers.size >= MAX_STRANGERS) oldest?.drop();
      const connection = new ControlConnection(socket, options, {
        warn,
        known: () => strangers.delete(connection),
      });
      connections.add(connection);
      strangers.add(connection);
      socket.once('close', () => {
        connections.delete(connection);
        strangers.delete(connection);
      });
    },
  );
  try {
    server.listen({ host: address, port, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    const wanted = { protocol: 'tcp', address, port, who: 'The server for published ports' } as const;
    throw await bindError({ ...wanted, code: 'MOBYVM_PORT_SERVER' }, error);
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
      if (!server.listening) return;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

interface Surroundings {
  warn(event: `ports.control.${string}`, reason: string): void;
  /** The connection has shown the token. */
  known(): void;
}

/**
 * One connection: a request, its answer, then silence until the guest gives the port back or goes.
 * INVARIANT: for a request that was handed on, `release` or `lost` is called exactly once.
 */
class ControlConnection implements Lease {
  readonly #socket: Socket;
  readonly #options: PortControlOptions;
  readonly #around: Surroundings;
  #text = '';
  #isHandedOn = false;
  #isOver = false;

  constructor(socket: Socket, options: PortControlOptions, around: Surroundings) {
    this.#socket = socket;
    this.#options = options;
    this.#around = around;
    const timer = setTimeout(() => this.#refuse('no request came in time'), REQUEST_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#closed();
    });
    socket.on('error', () => socket.destroy());
    // latin1 keeps one character a byte, so that the limit is one of bytes; no field has other letters.
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
      if (message.kind === 'release' && this.#isHandedOn) return void this.#release();
      if (message.kind === 'release' || this.#isHandedOn)
        return this.#refuse('one connection is for one port');
      const { token, request, isRenewal } = message.expose;
      if (!isSame(token, this.#options.token())) return this.#refuse("the token is not this machine's");
      this.#isHandedOn = true;
      this.#around.known();
      void this.#expose(request, isRenewal);
    } catch (error) {
      this.#refuse(error instanceof CodecError ? error.message : textOf(error));
    }
  }

  async #expose(request: PortRequest, isRenewal: boolean): Promise<void> {
    try {
      if (await this.#options.leases.expose(request, this, isRenewal)) this.#answer({ kind: 'ok' });
      else this.#end({ kind: 'relay' });
    } catch (error) {
      if (!(error instanceof MobyvmError)) this.#around.warn('ports.control.failed', textOf(error));
      this.#end({ kind: 'error', reason: textOf(error) });
    }
  }

  async #release(): Promise<void> {
    this.#isOver = true;
    await this.#options.leases.release(this);
    // The guest waits for the end: only then is the port free for the next container.
    this.#socket.end();
  }

  #closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isHandedOn) this.#options.leases.lost(this);
  }

  #answer(answer: HostAnswer): void {
    if (!this.#socket.destroyed) this.#socket.write(encodeHostAnswer(answer));
  }

  /** Nothing was published for it. */
  #end(answer: HostAnswer): void {
    this.#isOver = true;
    this.#answer(answer);
    this.#socket.destroySoon();
  }

  #refuse(reason: string): void {
    if (this.#isOver) return;
    this.#around.warn('ports.control.refused', reason);
    this.#text = '';
    if (this.#isHandedOn) return void this.#socket.destroy();
    this.#end({ kind: 'error', reason: `mobyvm: ${reason}` });
  }
}

/** In constant time, whatever the lengths. */
function isSame(given: string, wanted: string | undefined): boolean {
  if (wanted === undefined) return false;
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}
