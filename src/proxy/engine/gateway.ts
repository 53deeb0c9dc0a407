import type { Duplex } from 'node:stream';
import type { HangupProbe, Logger } from '../../core/host/index.js';
import type { EngineAvailability } from './availability.js';
import type { ApiRules } from './api-rules.js';
import { ClientConnection } from './connection.js';
import type { ConnectionContext } from './served-client.js';
import { EnginePool } from './http/engine-pool.js';
import { Semaphore } from './semaphore.js';
import type { WaitingRoom } from './reach-engine.js';
import type { Refusal } from './refusal.plan.js';

export interface EngineGatewayOptions {
  readonly availability: EngineAvailability;
  readonly logger: Logger;
  /**
   * How long a request waits for an engine that is starting; 30,000 if absent. A function is asked anew for each connection. `docker` asks up to three times in a
   * row (HEAD /_ping, GET /_ping, the request): it therefore lasts through a boot of a minute, and always ends.
   */
  readonly waitMs?: number | (() => number) | undefined;
  /**
   * Requests and raw streams at a time, 1,024 if absent; a few more wait two seconds for a place, and are then told 503.
   * Connections may be twice as many: between two requests they cost little.
   */
  readonly maxConnections?: number | undefined;
  /** How many of them may wait at a time, each with up to MAX_EARLY_BYTES; 256 if absent. */
  readonly maxWaiting?: number | undefined;
  /** How long a client may take to send a request's head, from its first byte on; 10,000 if absent. */
  readonly headMs?: number | undefined;
  /** How long one attempt to reach the engine may take; 10,000 if absent. */
  readonly dialMs?: number | undefined;
  /** How some messages are rewritten; without them, none is. */
  readonly rules?: ApiRules | undefined;
}

export interface EngineGatewayStats {
  /** Connections now, whatever they do. */
  readonly open: number;
  /** Of these: those that wait for a starting engine. */
  readonly waiting: number;
  /** Of these: those whose request has reached the engine. */
  readonly tunnels: number;
  /** Since the start. */
  readonly accepted: number;
  readonly refused: number;
  readonly bytesToEngine: number;
  readonly bytesToClient: number;
  /** What this process holds right now of all connections, read and not yet passed on. */
  readonly bufferedBytes: number;
}

/** How often clients whose death would not show are asked whether they live. */
const ASK_EVERY_MS = 1_000;
/** Connections beyond twice the limit that are still taken, so that they can be told. */
const MAX_TOLD = 64;

/**
 * All clients of the engine, whichever door they came through: a unix socket here, a named pipe elsewhere.
 * INVARIANT: each accepted stream is in #connections until it is closed.
 */
export class EngineGateway {
  readonly #options: EngineGatewayOptions;
  readonly #maxConnections: number;
  readonly #connections = new Set<ClientConnection>();
  readonly #probes = new Map<ClientConnection, HangupProbe>();
  readonly #shared: Omit<ConnectionContext, 'connId'>;
  readonly #pool = new EnginePool();
  readonly #waitingRoom: WaitingRoom;
  readonly #unsubscribe: () => void;
  readonly #totals = { accepted: 0, refused: 0, toEngine: 0, toClient: 0 };
  #asking: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isUnreachableTold = false;

  constructor(options: EngineGatewayOptions) {
    this.#options = options;
    const { availability, waitMs, headMs, dialMs, rules, logger } = options;
    this.#maxConnections = options.maxConnections ?? 1_024;
    this.#waitingRoom = waitingRoom(options.maxWaiting ?? 256);
    this.#shared = {
      availability,
      pool: this.#pool,
      waitMs: typeof waitMs === 'function' ? waitMs : () => waitMs ?? 30_000,
      headMs: headMs ?? 10_000,
      dialMs: dialMs ?? 10_000,
      waitingRoom: this.#waitingRoom,
      semaphore: new Semaphore(this.#maxConnections),
      rules,
      logger,
      onRefusal: (refusal, connId) => this.#countRefusal(refusal, connId),
    };
    this.#unsubscribe = availability.onChange(() => this.#cutIfEngineIsGone());
  }

  get stats(): EngineGatewayStats {
    const connections = [...this.#connections];
    const sum = (direction: 'toEngine' | 'toClient'): number =>
      connections.reduce((bytes, { counters }) => bytes + counters[direction], this.#totals[direction]);
    return {
      open: connections.length,
      waiting: this.#waitingRoom.taken,
      tunnels: connections.filter(({ engine }) => engine !== undefined).length,
      accepted: this.#totals.accepted,
      refused: this.#totals.refused,
      bytesToEngine: sum('toEngine'),
      bytesToClient: sum('toClient'),
      bufferedBytes: connections.reduce((bytes, connection) => bytes + heldBy(connection), 0),
    };
  }

  /**
   * Serves a client until it is closed, and then resolves. Never throws.
   * @param stream allows half-open use
   */
  async serve(stream: Duplex, probe?: HangupProbe): Promise<void> {
    // Told nothing: whoever opens twice as many as there may be requests does not wait for an answer.
    if (this.#isClosed || this.#connections.size >= this.#maxConnections * 2 + MAX_TOLD) {
      stream.destroy();
      return;
    }
    this.#totals.accepted += 1;
    const connId = `engine-${this.#totals.accepted}`;
    const startedMs = performance.now();
    const connection = new ClientConnection(stream, { ...this.#shared, connId });
    this.#connections.add(connection);
    if (probe !== undefined) this.#probe(connection, probe);
    const { logger } = this.#options;
    logger.debug('engine.connection.opened', { connId });
    await connection.serve(probe);
    this.#connections.delete(connection);
    this.#probes.delete(connection);
    const { toEngine, toClient } = connection.counters;
    this.#totals.toEngine += toEngine;
    this.#totals.toClient += toClient;
    logger.debug('engine.connection.closed', {
      connId,
      durationMs: Math.round(performance.now() - startedMs),
      bytesToEngine: toEngine,
      bytesToClient: toClient,
    });
  }

  /** Cuts all connections and takes no more. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    clearInterval(this.#asking);
    for (const connection of this.#connections) connection.cut();
    this.#pool.cutAll();
  }

  /** One timer for all. */
  #probe(connection: ClientConnection, probe: HangupProbe): void {
    this.#probes.set(connection, probe);
    this.#asking ??= setInterval(() => {
      for (const [client, ask] of this.#probes) client.ask(ask);
      if (this.#probes.size > 0) return;
      clearInterval(this.#asking);
      this.#asking = undefined;
    }, ASK_EVERY_MS);
  }

  /** A VM that was switched off never closes its side: nobody but us can tell the clients. */
  #cutIfEngineIsGone(): void {
    const { kind } = this.#options.availability.current();
    if (kind === 'ready') this.#isUnreachableTold = false;
    if (kind === 'failed' || kind === 'stopped') this.#pool.cutAll();
  }

  #countRefusal({ status, message }: Refusal, connId: string): void {
    this.#totals.refused += 1;
    // An engine that is said to be ready and is not: someone will want to know afterwards, but once is enough.
    const level = status === 502 && !this.#isUnreachableTold ? 'warn' : 'debug';
    this.#isUnreachableTold ||= status === 502;
    this.#options.logger[level]('engine.request.refused', { connId, status, message });
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

function heldBy({ stream, reader, engine }: ClientConnection): number {
  const inEngine = engine === undefined ? 0 : held(engine.stream) + engine.reader.heldBytes;
  return held(stream) + reader.heldBytes + inEngine;
}

function held(stream: Duplex): number {
  return stream.destroyed ? 0 : stream.readableLength + stream.writableLength;
}
