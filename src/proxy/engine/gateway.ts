import type { Duplex } from 'node:stream';
import type { Logger } from '../../core/index.js';
import type { EngineAvailability } from './availability.js';
import { serveConnection, type ConnectionContext, type ConnectionEnd } from './connection.js';
import type { HangupProbe } from './hangup-probe.js';
import type { WaitingRoom } from './reach-engine.js';

export interface EngineGatewayOptions {
  readonly availability: EngineAvailability;
  readonly logger: Logger;
  /**
   * How long a request waits for an engine that is starting; 30,000 if absent. A function is asked anew for each connection. `docker` asks up to three times in a
   * row (HEAD /_ping, GET /_ping, the request): it therefore lasts through a boot of a minute, and always ends.
   */
  readonly waitMs?: number | (() => number) | undefined;
  /** Tunnels and waiting requests together; one more is told 503. 1,024 if absent. */
  readonly maxConnections?: number | undefined;
  /** How many of them may wait at a time, each with up to MAX_EARLY_BYTES; 256 if absent. */
  readonly maxWaiting?: number | undefined;
  /** Where mobyvm must answer itself: how long a client may take to send its request's head; 10,000 if absent. */
  readonly headMs?: number | undefined;
  /** How long one attempt to reach the engine may take; 10,000 if absent. */
  readonly dialMs?: number | undefined;
}

export interface EngineGatewayStats {
  /** Connections now, whatever they do. */
  readonly open: number;
  /** Of these: those that wait for a starting engine. */
  readonly waiting: number;
  /** Of these: those that reached the engine. */
  readonly tunnels: number;
  /** Since the start. */
  readonly accepted: number;
  readonly refused: number;
  readonly bytesToEngine: number;
  readonly bytesToClient: number;
  /** What this process holds right now of all connections, read and not yet passed on. */
  readonly bufferedBytes: number;
}

/** Beyond the limit this many more are taken to be told so; after that, connections are closed without a word. */
const REFUSED_AT_A_TIME = 64;

interface Connection {
  readonly client: Duplex;
  engine: Duplex | undefined;
  readonly cut: AbortController;
}

/**
 * All clients of the engine, whichever door they came through: a unix socket here, a named pipe elsewhere.
 * INVARIANT: each accepted stream is in #connections until it is closed.
 */
export class EngineGateway {
  readonly #options: EngineGatewayOptions;
  readonly #maxConnections: number;
  readonly #connections = new Set<Connection>();
  readonly #waitingRoom: WaitingRoom;
  readonly #unsubscribe: () => void;
  readonly #totals = { accepted: 0, refused: 0, toEngine: 0, toClient: 0 };
  #isClosed = false;
  #isUnreachableTold = false;

  constructor(options: EngineGatewayOptions) {
    this.#options = options;
    this.#maxConnections = options.maxConnections ?? 1_024;
    this.#waitingRoom = waitingRoom(options.maxWaiting ?? 256);
    this.#unsubscribe = options.availability.onChange(() => this.#cutIfEngineIsGone());
  }

  get stats(): EngineGatewayStats {
    const connections = [...this.#connections];
    return {
      open: connections.length,
      waiting: this.#waitingRoom.taken,
      tunnels: connections.filter(({ engine }) => engine !== undefined).length,
      accepted: this.#totals.accepted,
      refused: this.#totals.refused,
      bytesToEngine: this.#totals.toEngine,
      bytesToClient: this.#totals.toClient,
      bufferedBytes: connections.reduce((sum, { client, engine }) => sum + held(client) + held(engine), 0),
    };
  }

  /**
   * Serves a client until it is closed, and then resolves. Never throws.
   * @param client allows half-open use
   */
  async serve(client: Duplex, probe?: HangupProbe): Promise<void> {
    if (this.#isClosed || this.#connections.size >= this.#maxConnections + REFUSED_AT_A_TIME) {
      client.destroy();
      return;
    }
    const connection: Connection = { client, engine: undefined, cut: new AbortController() };
    const isOneTooMany = this.#connections.size >= this.#maxConnections;
    this.#connections.add(connection);
    this.#totals.accepted += 1;
    const connId = `engine-${this.#totals.accepted}`;
    const startedMs = performance.now();
    this.#options.logger.debug('engine.connection.opened', { connId });
    const count = { toEngine: 0, toClient: 0 };
    const end = await serveConnection(client, {
      ...this.#context(connection),
      isOneTooMany,
      probe,
      onBytes: (direction, bytes) => {
        count[direction] += bytes;
        this.#totals[direction] += bytes;
      },
    });
    this.#connections.delete(connection);
    if (end.kind === 'refused') this.#totals.refused += 1;
    this.#log(end, {
      connId,
      durationMs: Math.round(performance.now() - startedMs),
      bytesToEngine: count.toEngine,
      bytesToClient: count.toClient,
    });
  }

  /** Cuts all connections and takes no more. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    for (const { cut } of this.#connections) cut.abort();
  }

  #context(connection: Connection): Omit<ConnectionContext, 'isOneTooMany' | 'onBytes'> {
    const { availability, waitMs, headMs, dialMs } = this.#options;
    return {
      availability,
      waitMs: typeof waitMs === 'function' ? waitMs() : (waitMs ?? 30_000),
      headMs: headMs ?? 10_000,
      dialMs: dialMs ?? 10_000,
      signal: connection.cut.signal,
      waitingRoom: this.#waitingRoom,
      onEngine: (engine) => {
        connection.engine = engine;
        this.#isUnreachableTold = false;
      },
    };
  }

  /** A VM that was switched off never closes its side: nobody but us can tell the clients. */
  #cutIfEngineIsGone(): void {
    const { kind } = this.#options.availability.current();
    if (kind !== 'failed' && kind !== 'stopped') return;
    for (const { engine, cut } of this.#connections) if (engine !== undefined) cut.abort();
  }

  #log(end: ConnectionEnd, fields: Readonly<Record<string, string | number>>): void {
    const { logger } = this.#options;
    if (end.kind !== 'refused') {
      logger.debug('engine.connection.closed', {
        ...fields,
        end: end.kind === 'tunnelled' ? end.end : end.kind,
      });
      return;
    }
    const { status, message } = end.refusal;
    // An engine that is said to be ready and is not: someone will want to know afterwards, but once is enough.
    const level = status === 502 && !this.#isUnreachableTold ? 'warn' : 'debug';
    this.#isUnreachableTold ||= status === 502;
    logger[level]('engine.connection.refused', { ...fields, status, message });
  }
}

function waitingRoom(places: number): WaitingRoom {
  let taken = 0;
  return {
    get taken() {
      return taken;
    },
    enter() {
      if (taken >= places) return false;
      taken += 1;
      return true;
    },
    leave: () => void (taken -= 1),
  };
}

function held(stream: Duplex | undefined): number {
  return stream === undefined || stream.destroyed ? 0 : stream.readableLength + stream.writableLength;
}
