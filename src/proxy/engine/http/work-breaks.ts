/** About half a millisecond of work. */
const MAX_CHUNKS = 8_192;

interface Pausable {
  pause(): void;
  resume(): void;
}

/**
 * Lets other clients be served while a body in tiny chunks is scanned. libuv reads up to 32 times in a row from a stream
 * that has more (`uv__read` in its src/unix/stream.c): with tiny chunks, each of these reads is a hundred times the
 * work of a body in large pieces.
 */
export class WorkBreaks {
  readonly #source: Pausable;
  readonly #scanner: { readonly chunks: number };
  #chunksBefore = 0;

  constructor(source: Pausable, scanner: { readonly chunks: number }) {
    this.#source = source;
    this.#scanner = scanner;
  }

  /** Called after each piece that did not end the body, if the source is not paused. */
  consider(): void {
    const { chunks } = this.#scanner;
    if (chunks - this.#chunksBefore < MAX_CHUNKS) return;
    this.#chunksBefore = chunks;
    this.#source.pause();
    setImmediate(() => this.#source.resume());
  }
}
