import type { Duplex } from 'node:stream';
import { CodecError } from '../../core/index.js';
import { checkHeadStart, decodeRequestHead, findHeadEnd } from './request-head.codec.js';
import type { RequestHead } from './request-head.codec.js';

/** The most that is taken from a client before there is an engine to give it to; its head must fit in. */
export const MAX_EARLY_BYTES = 64 * 1024;

/** What became of the head of a client's first request. */
export type HeadOutcome =
  | { readonly kind: 'head'; readonly head: RequestHead }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'too large' }
  /** Some of it came, but not all in time. */
  | { readonly kind: 'too slow' }
  /** Nothing came in time, or ever will. */
  | { readonly kind: 'nothing' };

/**
 * Reads what a client sends before there is an engine, so that it can be answered, and so that the engine gets it
 * later. INVARIANT: no more than MAX_EARLY_BYTES and one chunk are held; then the client is paused.
 */
export class EarlyBytes {
  readonly #client: Duplex;
  readonly #chunks: Uint8Array[] = [];
  readonly #deadline: NodeJS.Timeout;
  readonly #settle: (outcome: HeadOutcome) => void;
  #size = 0;
  #isSettled = false;
  /** Resolves once; never rejects. `nothing` also after `release`. */
  readonly head: Promise<HeadOutcome>;

  /** @param headTimeoutMs from now to the end of the head */
  constructor(client: Duplex, headTimeoutMs: number) {
    let resolveHead: (outcome: HeadOutcome) => void = () => undefined;
    this.head = new Promise((resolve) => (resolveHead = resolve));
    this.#settle = (outcome) => {
      this.#isSettled = true;
      clearTimeout(this.#deadline);
      resolveHead(outcome);
    };
    this.#client = client;
    this.#deadline = setTimeout(
      () => this.#settle({ kind: this.#size === 0 ? 'nothing' : 'too slow' }),
      headTimeoutMs,
    );
    client.on('data', this.#onData);
    client.on('end', this.#onEnd);
    client.on('close', this.#onEnd);
  }

  /** Resolves when it is known that no good head will come; else never. */
  get headIsBad(): Promise<void> {
    return new Promise((resolve) => {
      void this.head.then(({ kind }) => {
        if (kind !== 'head') resolve();
      });
    });
  }

  /** Bytes held. */
  get size(): number {
    return this.#size;
  }

  /** Stops reading and hands over what was read. The client is paused and loses nothing. */
  release(): readonly Uint8Array[] {
    this.#client.off('data', this.#onData);
    this.#client.off('end', this.#onEnd);
    this.#client.off('close', this.#onEnd);
    this.#client.pause();
    this.#settle({ kind: 'nothing' });
    this.#size = 0;
    return this.#chunks.splice(0);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (!this.#isSettled) this.#look();
    if (this.#size >= MAX_EARLY_BYTES) this.#client.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#isSettled) return;
    this.#settle(
      this.#size === 0 ? { kind: 'nothing' } : { kind: 'malformed', problem: 'it ends within its head' },
    );
  };

  #look(): void {
    const bytes = Buffer.concat(this.#chunks);
    try {
      const end = findHeadEnd(bytes);
      if (end !== undefined && end <= MAX_EARLY_BYTES) {
        this.#settle({ kind: 'head', head: decodeRequestHead(bytes.subarray(0, end)) });
      } else if (bytes.length >= MAX_EARLY_BYTES) this.#settle({ kind: 'too large' });
      else checkHeadStart(bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#settle({ kind: 'malformed', problem: error.message });
    }
  }
}
