import { CodecError } from '../../../core/values/index.js';
import { GrowingBuffer } from './growing-buffer.js';
import type { MemoryShare } from './memory-budget.js';
import type { BodyEnd, BodyScanner } from './relay-body.js';
import type { Consumer, StreamReader } from './stream-reader.js';
import { WorkBreaks } from './work-breaks.js';

export interface CollectedBody {
  readonly end: Exclude<BodyEnd, 'sink closed'> | 'too large' | 'no memory';
  /**
   * The bytes as received, including the framing; undefined if the framing is larger than the content, as in
   * chunks of one byte. Of a body that is not complete, it is all that was read.
   */
  readonly raw: Buffer | undefined;
  /** The content without the framing. */
  readonly content: Buffer;
}

export interface CollectOptions {
  /** Of the content. */
  readonly maxBytes: number;
  /** Grows with the body; the caller releases it. */
  readonly memory: MemoryShare;
  /** Whether `raw` is kept however large the framing is, because what was read must be forwarded. */
  readonly keepsRaw: boolean;
}

/** The framing of a body in chunks of a usual size, such as those of a docker client, is much less. */
const MAX_FRAMING = 64 * 1024;

/** Reads a body into memory. Ends with `too large`, and what was read so far, once it exceeds `maxBytes`. */
export function collectBody(
  source: StreamReader,
  scanner: BodyScanner,
  options: CollectOptions,
): Promise<CollectedBody> {
  return new Promise((resolve) => {
    const collector = new Collector(source, scanner, { options, resolve });
    if (scanner.isDone) collector.finish('done');
    else source.consume(collector);
  });
}

class Collector implements Consumer {
  readonly #source: StreamReader;
  readonly #scanner: BodyScanner;
  readonly #options: CollectOptions;
  readonly #resolve: (body: CollectedBody) => void;
  readonly #breaks: WorkBreaks;
  readonly #content = new GrowingBuffer();
  #raw: GrowingBuffer | undefined = new GrowingBuffer();

  constructor(
    source: StreamReader,
    scanner: BodyScanner,
    {
      options,
      resolve,
    }: { readonly options: CollectOptions; readonly resolve: (body: CollectedBody) => void },
  ) {
    this.#source = source;
    this.#scanner = scanner;
    this.#options = options;
    this.#resolve = resolve;
    this.#breaks = new WorkBreaks(source, scanner);
  }

  take(chunk: Buffer): number {
    const { maxBytes, memory, keepsRaw } = this.#options;
    const needed = this.#content.capacityAfter(chunk.length) + (this.#raw?.capacityAfter(chunk.length) ?? 0);
    const hasMemory = memory.tryGrowTo(needed);
    let taken: number;
    try {
      taken = this.#scanner.scan(chunk, (bytes, start, end) => this.#content.append(bytes, start, end));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.finish('malformed');
      return chunk.length;
    }
    this.#raw?.append(chunk, 0, taken);
    if (!keepsRaw && (this.#raw?.length ?? 0) > this.#content.length * 2 + MAX_FRAMING) this.#raw = undefined;
    if (this.#content.length > maxBytes) this.finish('too large');
    else if (this.#scanner.isDone) this.finish('done');
    else if (!hasMemory) this.finish('no memory');
    else this.#breaks.consider();
    return taken;
  }

  ended(): void {
    this.finish(this.#scanner.mayEnd ? 'done' : 'source ended');
  }

  finish(end: CollectedBody['end']): void {
    this.#source.detach(this);
    this.#resolve({ end, raw: this.#raw?.bytes, content: this.#content.bytes });
  }
}
