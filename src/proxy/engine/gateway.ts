import type { Duplex } from 'node:stream';
import type { HangupProbe, Logger } from '../../core/host/index.js';
import type { EngineAvailability } from './availability.js';
import type { ApiRules } from './api-rules.js';
import { ClientConnection } from './connection.js';
import { EnginePool } from './http/engine-pool.js';
import { MemoryBudget } from './http/memory-budget.js';
import { BoundedCounter } from './bounded-counter.js';
import { Patience } from './patience.js';
import { Semaphore } from './semaphore.js';
import type { ConnectionContext } from './reach-engine.js';
import type { Refusal } from './refusal.plan.js';

export interface EngineGatewayOptions {
  readonly availability: EngineAvailability;
  readonly logger: Logger;
  /**
   * How long a request waits for an engine that is starting; 30,000 if absent. A function is called for each
   * request. Requests that follow one that timed out fail at once.
   */
  readonly waitMs?: number | (() => number) | undefined;
  /**
   * Maximum of concurrent requests and raw streams; 1,024 if absent. A few more wait up to two seconds and
   * then get 503. Twice as many connections are allowed, since an idle one costs little.
   */
  readonly maxConnections?: number | undefined;
  /** How many requests may wait for a starting engine; 256 if absent. Each holds up to MAX_HELD_BYTES. */
  readonly maxWaiting?: number | undefined;
  /** How long a client may take to send a request's head, from its first byte; 10,000 if absent. */
  readonly headMs?: number | undefined;
  /** How long one attempt to reach the engine may take; 10,000 if absent. */
  readonly dialMs?: number | undefined;
  /** How much memory large heads and parsed bodies may take, over all connections; 256 MiB if absent. */
  readonly memoryBytes?: number | undefined;
  /** How some messages are rewritten; none are if absent. */
  readonly rules?: ApiRules | undefined;
}

export interface EngineGatewayStats {
  /** Open connections. */
  readonly open: number;
  /** Of these, those that wait for a starting engine. */
  readonly waiting: number;
  /** Of these, those whose request has reached the engine. */
  readonly tunnels: number;
  /** Since the start, like all that follow but the last. */
  readonly accepted: number;
  readonly refused: number;
  readonly bytesToEngine: number;
  readonly bytesToClient: number;
  /** Bytes of all connections that were read and not yet forwarded. */
  readonly bufferedBytes: number;
}

/** How often clients are probed whose end would not be noticed otherwise. */
const PROBE_EVERY_MS = 1_000;
/** Connections beyond twice the limit that are still accepted, so that they get a 503. */
const MAX_REFUSED = 64;

/**
 * Serves all clients of the engine, whether they come from a unix socket or a named pipe.
 * INVARIANT: each accepted stream is in #connections until it is closed.
 */
export class EngineGateway {
  readonly #options: EngineGatewayOptions;
  readonly #maxConnections: number;
  readonly #connections = new Set<ClientConnection>();
  readonly #probes = new Map<ClientConnection, HangupProbe>();
  readonly #shared: Omit<ConnectionContext, 'connId'>;
  readonly #pool = new EnginePool();
  readonly #waiting: BoundedCounter;
  readonly #unsubscribe: () => void;
  readonly #totals = { accepted: 0, refused: 0, toEngine: 0, toClient: 0 };
  #probing: NodeJS.Timeout | undefined;
  #isClosed = false;
  #isUnreachableLogged = false;

  constructor(options: EngineGatewayOptions) {
    this.#options = options;
    const { availability, waitMs, headMs, dialMs, rules, logger } = options;
    this.#maxConnections = options.maxConnections ?? 1_024;
    this.#waiting = new BoundedCounter(options.maxWaiting ?? 256);
    this.#shared = {
      availability,
      pool: this.#pool,
      patience: new Patience(typeof waitMs === 'function' ? waitMs : () => waitMs ?? 30_000),
      headMs: headMs ?? 10_000,
      dialMs: dialMs ?? 10_000,
      waiting: this.#waiting,
      memory: new MemoryBudget(options.memoryBytes ?? 256 * 1024 * 1024),
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
      waiting: this.#waiting.count,
      tunnels: connections.filter(({ engine }) => engine !== undefined).length,
      accepted: this.#totals.accepted,
      refused: this.#totals.refused,
      bytesToEngine: sum('toEngine'),
      bytesToClient: sum('toClient'),
      bufferedBytes: connections.reduce((bytes, connection) => bytes + heldBy(connection), 0),
    };
  }

  /**
   * Serves a client and resolves when it is closed. Never throws.
   * @param stream allows half-open use
   */
  async serve(stream: Duplex, probe?: HangupProbe): Promise<void> {
    // Without a response: a client that opens that many connections does not wait for one.
    if (this.#isClosed || this.#connections.size >= this.#maxConnections * 2 + MAX_REFUSED) {
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

  /** Closes all connections and accepts no more. */
  close(): void {
    this.#isClosed = true;
    this.#unsubscribe();
    clearInterval(this.#probing);
    for (const connection of this.#connections) connection.cut();
    this.#pool.cutAll();
  }

  /** One timer probes all clients. */
  #probe(connection: ClientConnection, probe: HangupProbe): void {
    this.#probes.set(connection, probe);
    this.#probing ??= setInterval(() => {
      for (const [client, ask] of this.#probes) client.ask(ask);
      if (this.#probes.size > 0) return;
      clearInterval(this.#probing);
      this.#probing = undefined;
    }, PROBE_EVERY_MS);
  }

  /** A VM that was switched off never closes its side of a connection, so we do. */
  #cutIfEngineIsGone(): void {
    const { kind } = this.#options.availability.current();
    if (kind === 'ready') this.#isUnreachableLogged = false;
    if (kind === 'failed' || kind === 'stopped') this.#pool.cutAll();
  }

  #countRefusal({ status, message }: Refusal, connId: string): void {
    this.#totals.refused += 1;
    // The engine is said to be ready but cannot be reached: worth a warning, once.
    const level = status === 502 && !this.#isUnreachableLogged ? 'warn' : 'debug';
    this.#isUnreachableLogged ||= status === 502;
    this.#options.logger[level]('engine.request.refused', { connId, status, message });
  }
}

function heldBy({ stream, reader, engine }: ClientConnection): number {
  const inEngine = engine === undefined ? 0 : held(engine.stream) + engine.reader.heldBytes;
  return held(stream) + reader.heldBytes + inEngine;
}

function held(stream: Duplex): number {
  return stream.destroyed ? 0 : stream.readableLength + stream.writableLength;
}
