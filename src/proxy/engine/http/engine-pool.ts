import type { Duplex } from 'node:stream';
import type { Dial } from '../availability.js';
import { reset } from '../duplex.js';
import { StreamReader } from './stream-reader.js';

/** One connection to the engine. */
export class EngineConnection {
  readonly stream: Duplex;
  readonly reader: StreamReader;
  /** Has carried an exchange before, so the engine may have closed it just when it is used again. */
  isReused = false;
  idleSinceMs = 0;

  constructor(stream: Duplex) {
    this.stream = stream;
    // 'close' follows every error.
    stream.on('error', () => undefined);
    this.reader = new StreamReader(stream);
  }
}

export interface EnginePoolOptions {
  /** How many idle connections are kept; 256 if absent. */
  readonly maxIdle?: number | undefined;
  /** How long they are kept; 30,000 if absent. */
  readonly idleMs?: number | undefined;
}

/**
 * Keeps connections to the engine between exchanges: with TLS, a new one costs several round trips and a
 * signature.
 * INVARIANT: every connection in #idle is open, has nothing unread, and came from #dial.
 */
export class EnginePool {
  readonly #maxIdle: number;
  readonly #idleMs: number;
  readonly #idle: EngineConnection[] = [];
  readonly #open = new Set<EngineConnection>();
  #dial: Dial | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor({ maxIdle, idleMs }: EnginePoolOptions = {}) {
    this.#maxIdle = maxIdle ?? 256;
    this.#idleMs = idleMs ?? 30_000;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** Returns the idle connection that was used last, which is the least likely to be stale. */
  take(dial: Dial): EngineConnection | undefined {
    if (this.#dial !== dial) {
      this.#dropIdle();
      this.#dial = dial;
    }
    return this.#idle.pop();
  }

  /** @throws what a Dial throws */
  async open(dial: Dial, signal: AbortSignal): Promise<EngineConnection> {
    const connection = new EngineConnection(await dial(signal));
    this.#open.add(connection);
    connection.stream.once('close', () => this.#open.delete(connection));
    return connection;
  }

  /** Takes a connection whose exchange is complete. */
  giveBack(connection: EngineConnection, dial: Dial): void {
    const { stream, reader } = connection;
    const isFit =
      dial === this.#dial &&
      !reader.hasEnded &&
      reader.heldBytes === 0 &&
      stream.writable &&
      // A write that has failed keeps its bytes.
      stream.writableLength === 0 &&
      this.#idle.length < this.#maxIdle;
    if (!isFit) {
      stream.destroy();
      return;
    }
    connection.isReused = true;
    connection.idleSinceMs = performance.now();
    const drop = (): void => {
      const at = this.#idle.indexOf(connection);
      if (at === -1) return;
      this.#idle.splice(at, 1);
      stream.destroy();
    };
    reader.onEnd ??= drop;
    reader.onUnasked ??= drop;
    this.#idle.push(connection);
    this.#sweep ??= setInterval(() => this.#dropOld(), Math.max(1_000, this.#idleMs / 4)).unref();
  }

  /** Closes all connections, idle or not: the engine is gone, and clients that wait for it must notice. */
  cutAll(): void {
    this.#dropIdle();
    for (const { stream } of this.#open) reset(stream);
  }

  #dropOld(): void {
    const oldest = performance.now() - this.#idleMs;
    while (this.#idle[0] !== undefined && this.#idle[0].idleSinceMs < oldest)
      this.#idle.shift()?.stream.destroy();
    if (this.#idle.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #dropIdle(): void {
    for (const { stream } of this.#idle.splice(0)) stream.destroy();
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
