import type { Duplex } from 'node:stream';
import { CodecError } from '../../../core/values/index.js';
import { ChunkScanner, type OnData } from './chunk-scanner.js';
import type { BodyFraming } from './framing.plan.js';
import type { Consumer, StreamReader } from './stream-reader.js';
import { WorkBreaks } from './work-breaks.js';

/** `source ended`: before the body was complete. `malformed`: the body is not chunked correctly. */
export type BodyEnd = 'done' | 'source ended' | 'sink closed' | 'malformed';

/**
 * Pieces of these sizes are combined into one write, because TLS delivers 16 KiB at a time. Smaller ones are
 * interactive output and are written at once. Larger ones are worth a write each, and TLS would copy them to
 * join them.
 */
const COMBINED_BYTES = { min: 8 * 1024, max: 32 * 1024 };

/** Finds the end of a body, whatever its framing. */
export class BodyScanner {
  readonly #framing: BodyFraming;
  readonly #chunks: ChunkScanner | undefined;
  #left: number;

  constructor(framing: BodyFraming) {
    this.#framing = framing;
    this.#left = framing.kind === 'length' ? framing.bytes : 0;
    this.#chunks = framing.kind === 'chunked' ? new ChunkScanner() : undefined;
  }

  get isDone(): boolean {
    if (this.#chunks !== undefined) return this.#chunks.isDone;
    return this.#framing.kind !== 'until close' && this.#left === 0;
  }

  /** How many chunks have begun; 0 without chunks. */
  get chunks(): number {
    return this.#chunks?.chunks ?? 0;
  }

  /** True if the body is complete when its stream ends. */
  get mayEnd(): boolean {
    return this.isDone || this.#framing.kind === 'until close';
  }

  /**
   * @param onData gets each piece of the content, without the framing
   * @returns how many of the bytes belong to the body
   * @throws CodecError
   */
  scan(bytes: Buffer, onData?: OnData): number {
    if (this.#chunks !== undefined) return this.#chunks.scan(bytes, onData);
    if (this.#framing.kind === 'until close') {
      onData?.(bytes, 0, bytes.length);
      return bytes.length;
    }
    const taken = Math.min(this.#left, bytes.length);
    this.#left -= taken;
    onData?.(bytes, 0, taken);
    return taken;
  }
}

export interface BodyRelayOptions {
  readonly scanner: BodyScanner;
  readonly onBytes: (count: number) => void;
}

/**
 * Forwards a body unchanged, including its framing: each piece at once, at the speed of the slower side.
 * @returns how it ended, without a promise if the whole body had arrived already
 */
export function relayBody(
  source: StreamReader,
  sink: Duplex,
  options: BodyRelayOptions,
): BodyEnd | Promise<BodyEnd> {
  if (options.scanner.isDone) return 'done';
  const relay = new BodyRelay(source, sink, options);
  source.consume(relay);
  return relay.end ?? relay.wait();
}

class BodyRelay implements Consumer {
  readonly #source: StreamReader;
  readonly #sink: Duplex;
  readonly #options: BodyRelayOptions;
  readonly #breaks: WorkBreaks;
  #resolve: ((end: BodyEnd) => void) | undefined;
  #isCorked = false;
  end: BodyEnd | undefined;

  constructor(source: StreamReader, sink: Duplex, options: BodyRelayOptions) {
    this.#source = source;
    this.#sink = sink;
    this.#options = options;
    this.#breaks = new WorkBreaks(source, options.scanner);
  }

  wait(): Promise<BodyEnd> {
    this.#sink.once('close', this.#onSinkClose);
    return new Promise((resolve) => {
      this.#resolve = resolve;
      if (this.#sink.destroyed) this.#onSinkClose();
    });
  }

  take(chunk: Buffer): number {
    const { scanner, onBytes } = this.#options;
    let taken: number;
    try {
      taken = scanner.scan(chunk);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#finish('malformed');
      return chunk.length;
    }
    onBytes(taken);
    if (taken >= COMBINED_BYTES.min && taken <= COMBINED_BYTES.max) this.#combine();
    const canTakeMore = this.#sink.write(taken === chunk.length ? chunk : chunk.subarray(0, taken));
    if (scanner.isDone) this.#finish('done');
    else if (!canTakeMore) this.#waitForDrain();
    else this.#breaks.consider();
    return taken;
  }

  ended(): void {
    this.#finish(this.#options.scanner.mayEnd ? 'done' : 'source ended');
  }

  /** Writes all pieces of this turn of the event loop together. */
  #combine(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#sink.cork();
    setImmediate(this.#uncork);
  }

  readonly #uncork = (): void => {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#sink.uncork();
  };

  #waitForDrain(): void {
    if (this.#sink.destroyed) return this.#finish('sink closed');
    this.#source.pause();
    this.#sink.once('drain', this.#onDrain);
  }

  readonly #onDrain = (): void => {
    if (this.end === undefined) this.#source.resume();
  };

  readonly #onSinkClose = (): void => this.#finish('sink closed');

  #finish(end: BodyEnd): void {
    if (this.end !== undefined) return;
    this.end = end;
    this.#sink.off('close', this.#onSinkClose).off('drain', this.#onDrain);
    this.#source.detach(this);
    this.#uncork();
    this.#resolve?.(end);
  }
}
