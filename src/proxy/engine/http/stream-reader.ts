import type { Duplex } from 'node:stream';
import { CodecError } from '../../../core/values/index.js';
import { checkHeadStart, MAX_HEAD_BYTES } from './head.codec.js';

/** Whoever reads from a StreamReader at the moment. */
export interface Consumer {
  /**
   * Takes bytes, from the first on, and returns how many. What it leaves is kept for the next consumer: one that takes
   * less than it gets, or has called `StreamReader.detach`, is not asked again.
   */
  take(chunk: Buffer): number;
  /** True if it has taken nothing yet. */
  readonly isIdle?: boolean;
  /** Nothing more will come. Not called after it was detached. */
  ended(): void;
}

export type HeadRead =
  /** `text` has one character for each byte of `raw`. */
  | { readonly kind: 'head'; readonly raw: Buffer; readonly text: string }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'too large' }
  /** Part of it came, but not all in time. */
  | { readonly kind: 'too slow' }
  /** The stream ended; `isPartial` if within a head. */
  | { readonly kind: 'ended'; readonly isPartial: boolean };

export interface HeadOptions {
  /** Requests are checked while they come, so that garbage is answered at once. */
  readonly isRequest: boolean;
  /** From the first byte to the last; without it there is no limit. */
  readonly timeoutMs?: number;
}

/** What is read ahead of a consumer; then the stream is paused. In bytes. */
export const MAX_HELD_BYTES = 64 * 1024;
/** Heads that come in more pieces than one are looked at as long as they are no longer than this. */
const MAX_CHECKED_BYTES = 4_096;
const HEAD_END = Buffer.from('\r\n\r\n');
const CR = 13;
const LF = 10;

/**
 * Hands a stream's bytes to one consumer after the other; none is lost between two.
 * INVARIANT: the stream flows unless MAX_HELD_BYTES are held or the consumer has paused it: so its end is seen at once,
 * also when nobody reads.
 */
export class StreamReader {
  readonly stream: Duplex;
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #consumer: Consumer | undefined;
  #isPaused = false;
  #isHeldBack = false;
  #hasEnded = false;
  /** Called when the stream has ended, or is closed. */
  onEnd: (() => void) | undefined;
  /** Called when bytes come that nobody asked for. */
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

  /** Nothing is held, and nothing was begun. */
  get isIdle(): boolean {
    return this.#heldBytes === 0 && (this.#consumer?.isIdle ?? true);
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Takes the place of the consumer before, if there still is one. */
  consume(consumer: Consumer): void {
    this.#consumer = consumer;
    if (this.#isPaused) this.resume();
    else this.#deliver();
  }

  /** The consumer has what it wants; nothing happens if another one has taken its place. */
  detach(consumer: Consumer): void {
    if (this.#consumer !== consumer) return;
    this.#consumer = undefined;
    if (this.#isPaused) this.resume();
  }

  /** Holds the bytes up until `resume`: whoever they are for is slow. */
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

  /** Reads no more. What was read ahead is returned; the stream is paused and loses nothing. */
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
   * `raw` and the `bytes` that follow it as one buffer, if they were read together, as small messages mostly are: one
   * write instead of two.
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

/** Collects a head: mostly it comes in one piece, and is not copied. */
class HeadConsumer implements Consumer {
  readonly #reader: StreamReader;
  readonly #options: HeadOptions;
  readonly #resolve: (read: HeadRead) => void;
  #sofar: Buffer | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(reader: StreamReader, options: HeadOptions, resolve: (read: HeadRead) => void) {
    this.#reader = reader;
    this.#options = options;
    this.#resolve = resolve;
  }

  get isIdle(): boolean {
    return this.#sofar === undefined;
  }

  take(chunk: Buffer): number {
    const before = this.#sofar?.length ?? 0;
    const bytes = this.#sofar === undefined ? chunk : Buffer.concat([this.#sofar, chunk]);
    // Empty lines in front of a request are passed over (RFC 9112 §2.2).
    let start = 0;
    while (bytes[start] === CR && bytes[start + 1] === LF) start += 2;
    const end = bytes.indexOf(HEAD_END, Math.max(start, before - 3));
    if (end !== -1 && end + 4 - start <= MAX_HEAD_BYTES) {
      const raw = bytes.subarray(start, end + 4);
      this.#settle({ kind: 'head', raw, text: raw.toString('latin1') });
      return end + 4 - before;
    }
    if (end !== -1 || bytes.length >= MAX_HEAD_BYTES) this.#settle({ kind: 'too large' });
    else {
      this.#sofar = bytes.subarray(start);
      this.#check();
    }
    return chunk.length;
  }

  ended(): void {
    clearTimeout(this.#timer);
    this.#resolve({ kind: 'ended', isPartial: this.#sofar !== undefined && this.#sofar.length > 0 });
  }

  #check(): void {
    const bytes = this.#sofar;
    if (bytes === undefined) return;
    const { isRequest, timeoutMs } = this.#options;
    if (timeoutMs !== undefined)
      this.#timer ??= setTimeout(() => this.#settle({ kind: 'too slow' }), timeoutMs);
    if (!isRequest || bytes.length > MAX_CHECKED_BYTES) return;
    try {
      checkHeadStart(bytes.toString('latin1'));
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
