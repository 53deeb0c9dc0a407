import type { Duplex } from 'node:stream';
import type { HangupProbe } from '../../core/host/index.js';
import { CodecError } from '../../core/values/index.js';
import { tunnel } from './duplex.js';
import type { EngineConnection } from './http/engine-pool.js';
import type { Counters } from './http/exchange.js';
import {
  hasUnknownEncoding,
  isHttp2Preface,
  requestFraming,
  unambiguousHead,
  type BodyFraming,
} from './http/framing.plan.js';
import { decodeRequestHead, type RequestHead } from './http/head.codec.js';
import { FREE_HEAD_BYTES, MemoryShare } from './http/memory-budget.js';
import { StreamReader, type HeadRead } from './http/stream-reader.js';
import {
  badHeadRefusal,
  malformedRefusal,
  TOO_MANY_CONNECTIONS,
  UNKNOWN_ENCODING,
  UNKNOWN_VERSION,
  type Refusal,
} from './refusal.plan.js';
import { refusalResponse } from './refusal-response.js';
import { serveRequest, type IncomingRequest, type RequestEnd } from './serve-request.js';
import { connectToEngine, type ConnectionContext, type ServedClient } from './reach-engine.js';

/**
 * After an early response, the rest of the request is read and dropped for this long. Closing at once could
 * reset the connection before the client has read the response (RFC 9112 §9.6,
 * https://www.rfc-editor.org/rfc/rfc9112#section-9.6).
 */
const LINGER_MS = 2_000;

/**
 * Serves one client from its first byte to its last: request after request, until one becomes a raw stream,
 * is refused, or is the last. INVARIANT: `engine` belongs to the current request; it is undefined between
 * requests.
 */
export class ClientConnection implements ServedClient {
  readonly stream: Duplex;
  readonly reader: StreamReader;
  readonly context: ConnectionContext;
  readonly counters: Counters = { toEngine: 0, toClient: 0 };
  readonly #gone = new AbortController();
  engine: EngineConnection | undefined;
  isTunnel = false;
  #isServing = false;
  #before = { pending: 0, taken: -1 };

  constructor(stream: Duplex, context: ConnectionContext) {
    this.stream = stream;
    this.context = context;
    // 'close' follows every error.
    stream.on('error', () => undefined);
    stream.once('close', () => this.#gone.abort());
    this.reader = new StreamReader(stream);
  }

  /** Aborted when the client is gone or was cut off. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  cut(): void {
    this.stream.destroy();
  }

  /** Resolves when the client is closed. Never throws. */
  async serve(probe: HangupProbe | undefined): Promise<void> {
    // A client that has ended its input may have closed completely: probed now, and by `ask` from then on.
    if (probe !== undefined) this.reader.onEnd = () => this.ask(probe);
    const silence = setTimeout(() => this.#closeIfUseless(), this.context.headMs);
    try {
      while (await this.#serveNext(probe)) clearTimeout(silence);
    } finally {
      clearTimeout(silence);
      this.engine?.stream.destroy();
      this.stream.destroy();
    }
  }

  /**
   * Probes whether the client is still there if nothing else would tell: when it has ended its input and the
   * engine has all of it, and when the engine reads nothing, since then the client is not read either. Not in
   * other cases: a client may send its last request and leave, and its bytes must still be delivered.
   */
  ask(probe: HangupProbe): void {
    if (!this.#isServing || !this.stream.writable) return;
    const engine = this.engine?.stream;
    const now = { pending: engine?.writableLength ?? 0, taken: this.counters.toEngine };
    const isStuck =
      now.pending > 0 && now.pending === this.#before.pending && now.taken === this.#before.taken;
    this.#before = now;
    const hasEnded = this.stream.readableEnded && (engine === undefined || now.pending === 0);
    if (isStuck || hasEnded) probe(this.stream);
  }

  async #serveNext(probe: HangupProbe | undefined): Promise<boolean> {
    const memory = new MemoryShare(this.context.memory, FREE_HEAD_BYTES);
    try {
      const read = await this.#readHead(memory);
      if (read.kind !== 'head') return await this.#endWithout(read);
      const request = requestOf(read);
      if ('status' in request) return await this.#refuse(request);
      return await this.#serveInTurn(request, probe);
    } finally {
      memory.release();
    }
  }

  #readHead(memory: MemoryShare): Promise<HeadRead> {
    return this.reader.readHead({ isRequest: true, timeoutMs: this.context.headMs, memory });
  }

  async #serveInTurn(request: IncomingRequest, probe: HangupProbe | undefined): Promise<boolean> {
    const { head } = request;
    const acquiring = this.context.semaphore.acquire(this.signal);
    if (!(typeof acquiring === 'boolean' ? acquiring : await acquiring)) {
      const isEarly = request.framing.kind !== 'none';
      return (
        !this.stream.destroyed &&
        this.#refuse(TOO_MANY_CONNECTIONS, { isHead: head.method === 'HEAD', isEarly })
      );
    }
    this.#isServing = true;
    try {
      if (this.reader.hasEnded && probe !== undefined) this.ask(probe);
      if (isHttp2Preface(head)) return await this.#carryWhole(request.raw);
      return await this.#follow(head, await serveRequest(this, request));
    } finally {
      this.#isServing = false;
      this.engine = undefined;
      this.context.semaphore.release();
    }
  }

  async #follow(head: RequestHead, end: RequestEnd): Promise<boolean> {
    switch (end.kind) {
      case 'next':
        return true;
      case 'refused':
        return this.#refuse(end.refusal, { isHead: head.method === 'HEAD', isEarly: end.isEarly });
      case 'raw stream':
        await this.#carry(end.engine);
        end.onEnd();
        return false;
      case 'last':
        return this.#finish(end.isEarly);
      case 'broken':
        return false;
    }
  }

  /**
   * HTTP/2: its preface has no answer in HTTP/1.1, so the engine gets it unchanged, with all that follows. The
   * engine does not speak HTTP/2 over TLS without having agreed on it, and closes the connection.
   */
  async #carryWhole(raw: Buffer): Promise<boolean> {
    const reached = await connectToEngine(this);
    if (reached.kind === 'gone') return false;
    if (reached.kind === 'refusal') return this.#refuse(reached.refusal);
    this.engine = reached.engine;
    this.counters.toEngine += raw.length;
    reached.engine.stream.write(raw);
    await this.#carry(reached.engine);
    return false;
  }

  async #carry(engine: EngineConnection): Promise<void> {
    this.isTunnel = true;
    for (const chunk of engine.reader.release()) {
      this.counters.toClient += chunk.length;
      this.stream.write(chunk);
    }
    await tunnel(this.stream, engine.stream, {
      early: this.reader.release(),
      onBytes: (direction, count) => (this.counters[direction] += count),
    });
  }

  async #endWithout(read: Exclude<HeadRead, { kind: 'head' }>): Promise<boolean> {
    const refusal = badHeadRefusal(read);
    return refusal !== undefined && !this.stream.destroyed && this.#refuse(refusal);
  }

  async #refuse(refusal: Refusal, { isHead = false, isEarly = false } = {}): Promise<boolean> {
    this.context.onRefusal(refusal, this.context.connId);
    if (this.stream.destroyed) return false;
    const response = refusalResponse(refusal, isHead);
    this.counters.toClient += response.length;
    this.stream.write(response);
    return this.#finish(isEarly);
  }

  /**
   * Closes a client that has its response.
   * @param isEarly it may still be sending. A named pipe has no half-close: its end would fail the client's next write,
   * and clients report that instead of the response.
   * @returns false: no other request follows
   */
  async #finish(isEarly: boolean): Promise<false> {
    if (!isEarly) this.stream.end();
    await this.#drop();
    if (isEarly && !this.stream.closed) {
      this.stream.end();
      await this.#drop();
    }
    return false;
  }

  /** Reads and drops what the client sends until it ends or closes, or LINGER_MS are over. */
  #drop(): Promise<void> {
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        this.stream.off('close', over);
        resolve();
      };
      const timer = setTimeout(over, LINGER_MS);
      this.stream.once('close', over);
      // A client whose end we have sent waits for nothing but our close.
      const ended = (): void => (this.stream.writableEnded ? undefined : over());
      this.reader.consume({ take: (chunk) => chunk.length, ended });
      if (this.stream.closed) over();
    });
  }

  #closeIfUseless(): void {
    if (this.context.availability.current().kind !== 'ready' && !this.#isServing && this.reader.isIdle)
      this.stream.destroy();
  }
}

/** Decodes a request, and brings its head into a form that the engine cannot read in another way. */
function requestOf({ raw, text }: Extract<HeadRead, { kind: 'head' }>): IncomingRequest | Refusal {
  let head: RequestHead;
  let framing: BodyFraming;
  try {
    head = decodeRequestHead(text);
    if (isHttp2Preface(head)) return { head, framing: { kind: 'none' }, raw };
    if (!head.version.startsWith('HTTP/1.')) return UNKNOWN_VERSION;
    if (hasUnknownEncoding(head)) return UNKNOWN_ENCODING;
    framing = requestFraming(head);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return malformedRefusal(error.message);
  }
  const regular = unambiguousHead(head, framing);
  if (regular === undefined) return { head, framing, raw };
  return { head: decodeRequestHead(regular), framing, raw: Buffer.from(regular, 'latin1') };
}
