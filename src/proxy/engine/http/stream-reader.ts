import type { Duplex } from 'node:stream';
import { CodecError } from '../../../core/values/index.js';
import { GrowingBuffer } from './growing-buffer.js';
import { checkHeadStart, MAX_HEAD_BYTES } from './head.codec.js';
import type { MemoryShare } from './memory-budget.js';

/** Reads from a StreamReader. */
export interface Consumer {
  /**
   * Takes bytes from the start of the chunk and returns how many. The rest is kept for the next consumer: one
   * that takes less than all, or has called `StreamReader.detach`, is not called again.
   */
  take(chunk: Buffer): number;
  /** True if it has taken nothing yet. */
  readonly isIdle?: boolean;
  /** The stream has ended. Not called after the consumer was detached. */
  ended(): void;
}

export type HeadRead =
  /** `text` has one character per byte of `raw`. */
  | { readonly kind: 'head'; readonly raw: Buffer; readonly text: string }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'too large' }
  /** Other heads and bodies take all the memory there is for them. */
  | { readonly kind: 'no memory' }
  /** Only part of it arrived in time. */
  | { readonly kind: 'too slow' }
  /** The stream ended; `isPartial` if in the middle of a head. */
  | { readonly kind: 'ended'; readonly isPartial: boolean };

export interface HeadOptions {
  /** Requests are checked while they arrive, so that garbage is answered at once. */
  readonly isRequest: boolean;
  /** From the first byte to the last; no limit if absent. */
  readonly timeoutMs?: number;
  /** Grows with a head that arrives in pieces; the caller releases it. No limit but the head's if absent. */
  readonly memory?: MemoryShare;
}

/** How many bytes are read ahead of a consumer before the stream is paused. */
export const MAX_HELD_BYTES = 64 * 1024;
/** Heads that arrive in several pieces are checked up to this length. */
const MAX_CHECKED_BYTES = 4_096;
const CR = 13;
const LF = 10;

/**
 * Gives a stream's bytes to one consumer after another without losing any between two.
 * INVARIANT: the stream flows unless MAX_HELD_BYTES are held or the consumer has paused it, so that its end
 * is noticed at once even if nobody reads.
 */
export class StreamReader {
  readonly stream: Duplex;
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #consumer: Consumer | undefined;
  #isPaused = false;
  #isHeldBack = false;
  #hasEnded = false;
  /** Called when the stream has ended or is closed. */
  onEnd: (() => void) | undefined;
  /** Called when bytes arrive that no consumer is waiting for. */
  onUnasked: (() => void) | undefined;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', this.#onData);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onEnd);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** True if nothing is held and no head was begun. */
  get isIdle(): boolean {
    return this.#heldBytes === 0 && (this.#consumer?.isIdle ?? true);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Replaces the current consumer, if there is one. */
  consume(consumer: Consumer): void {
    this.#consumer = consumer;
    if (this.#isPaused) this.resume();
    else this.#deliver();
  }

  /** Called by a consumer that is done. Does nothing if it was replaced. */
  detach(consumer: Consumer): void {
    if (this.#consumer !== consumer) return;
    this.#consumer = undefined;
    if (this.#isPaused) this.resume();
  }

  /** Stops delivery until `resume`, because the receiver is slow. */
  pause(): void {
    this.#isPaused = true;
    this.stream.pause();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#isHeldBack = true;
    this.#deliver();
  }

  /** Stops reading and returns what was read ahead. The stream is paused and loses nothing. */
  release(): readonly Buffer[] {
    this.stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.stream.pause();
    this.#consumer = undefined;
    this.#heldBytes = 0;
    return this.#held.splice(0);
  }

  readHead(options: HeadOptions): Promise<HeadRead> {
    return new Promise((resolve) => {
      this.consume(new HeadConsumer(this, options, resolve));
    });
  }

  /**
   * Returns `raw` and the `bytes` that follow it as one buffer if they were read together, as most small
   * messages are: this saves a write.
   */
  joinHeld(raw: Buffer, bytes: number): Buffer | undefined {
    const [next] = this.#held;
    if (next === undefined || next.length < bytes || next.buffer !== raw.buffer) return undefined;
    if (next.byteOffset !== raw.byteOffset + raw.length) return undefined;
    if (next.length === bytes) this.#held.shift();
    else this.#held[0] = next.subarray(bytes);
    this.#heldBytes -= bytes;
    return Buffer.from(raw.buffer, raw.byteOffset, raw.length + bytes);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#consumer !== undefined && !this.#isPaused && this.#held.length === 0) {
      this.#give(this.#consumer, chunk);
      return;
    }
    this.#hold(chunk);
    if (this.#consumer === undefined) this.onUnasked?.();
  };

  readonly #onEnd = (): void => {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#deliver();
    this.onEnd?.();
  };

  #give(consumer: Consumer, chunk: Buffer): void {
    const taken = consumer.take(chunk);
    if (taken === chunk.length) return;
    if (this.#consumer === consumer) this.#consumer = undefined;
    this.#held.unshift(chunk.subarray(taken));
    this.#heldBytes += chunk.length - taken;
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes < MAX_HELD_BYTES || this.#isHeldBack) return;
    this.#isHeldBack = true;
    this.stream.pause();
  }

  #deliver(): void {
    while (this.#consumer !== undefined && !this.#isPaused) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.#heldBytes -= chunk.length;
      this.#give(this.#consumer, chunk);
    }
    if (this.#held.length === 0 && this.#hasEnded && !this.#isPaused) {
      const consumer = this.#consumer;
      this.#consumer = undefined;
      consumer?.ended();
    }
    if (this.#isHeldBack && !this.#isPaused && this.#heldBytes < MAX_HELD_BYTES) {
      this.#isHeldBack = false;
      this.stream.resume();
    }
  }
}

/** Collects a head. Most arrive in one piece and are not copied. */
class HeadConsumer implements Consumer {
  readonly #reader: StreamReader;
  readonly #options: HeadOptions;
  readonly #resolve: (read: HeadRead) => void;
  readonly #sofar = new GrowingBuffer();
  #timer: NodeJS.Timeout | undefined;

  constructor(reader: StreamReader, options: HeadOptions, resolve: (read: HeadRead) => void) {
    this.#reader = reader;
    this.#options = options;
    this.#resolve = resolve;
  }

  get isIdle(): boolean {
    return this.#sofar.length === 0;
  }

  take(chunk: Buffer): number {
    const before = this.#sofar.length;
    if (before > 0 && !this.#append(chunk)) return chunk.length;
    const bytes = before > 0 ? this.#sofar.bytes : chunk;
    const start = emptyLinesEnd(bytes);
    const end = headEnd(bytes, Math.max(start, before - 2));
    if (end !== -1 && end - start <= MAX_HEAD_BYTES) {
      const raw = bytes.subarray(start, end);
      this.#settle({ kind: 'head', raw, text: raw.toString('latin1') });
      return end - before;
    }
    if (end !== -1 || bytes.length - start >= MAX_HEAD_BYTES) this.#settle({ kind: 'too large' });
    else if (before > 0 || this.#append(chunk.subarray(start))) this.#check();
    return chunk.length;
  }

  ended(): void {
    clearTimeout(this.#timer);
    this.#resolve({ kind: 'ended', isPartial: this.#sofar.length > 0 });
  }

  #append(chunk: Buffer): boolean {
    const capacity = this.#sofar.capacityAfter(chunk.length);
    const hasMemory = this.#options.memory?.tryGrowTo(capacity) ?? true;
    if (hasMemory) this.#sofar.append(chunk);
    else this.#settle({ kind: 'no memory' });
    return hasMemory;
  }

  #check(): void {
    const { bytes } = this.#sofar;
    const { isRequest, timeoutMs } = this.#options;
    if (timeoutMs !== undefined)
      this.#timer ??= setTimeout(() => this.#settle({ kind: 'too slow' }), timeoutMs);
    if (!isRequest || bytes.length > MAX_CHECKED_BYTES) return;
    try {
      checkHeadStart(bytes.subarray(emptyLinesEnd(bytes)).toString('latin1'));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#settle({ kind: 'malformed', problem: error.message });
    }
  }

  #settle(read: HeadRead): void {
    clearTimeout(this.#timer);
    this.#reader.detach(this);
    this.#resolve(read);
  }
}

/**
 * Empty lines before a request are skipped: RFC 9112 §2.2,
 * https://www.rfc-editor.org/rfc/rfc9112#section-2.2.
 */
function emptyLinesEnd(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF)) at += bytes[at] === LF ? 1 : 2;
  return at;
}

/** Returns where a head ends, after its empty line, or -1. Lines may end in a bare LF. */
function headEnd(bytes: Buffer, from: number): number {
  const regular = bytes.indexOf('\n\r\n', from, 'latin1');
  // The first LF of the regular end may also be the second of a bare one: "\r\n\n\r\n".
  const searched = regular === -1 ? bytes : bytes.subarray(0, regular + 1);
  const bare = searched.indexOf('\n\n', from, 'latin1');
  if (bare !== -1) return bare + 2;
  return regular === -1 ? -1 : regular + 3;
}
