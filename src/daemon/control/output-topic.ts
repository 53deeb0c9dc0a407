import { reportOf } from '../../core/values/index.js';
import type { OutputLine, ServerEvent } from '../../protocol/control-events.js';
import { cleanLine } from '../../vm/index.js';
import type { SendText, WatchedTopic } from './watched-topic.js';

export type FollowedLine = Omit<OutputLine, 'at'> & { readonly at: string | undefined };

/** Resolves when the container has ended. @throws MobyvmError; the signal's reason if aborted */
export type FollowOutput = (
  container: string,
  onLine: (line: FollowedLine) => void,
  signal: AbortSignal,
) => Promise<void>;

/** Lines that come in a burst are sent together. */
const BATCH_MS = 100;
/** More than that in one batch cannot be read; what is left out is counted. */
const MAX_BATCH = 1_000;

/** What the container prints that a client names. Each client that watches has a connection to the engine. */
export class OutputTopic implements WatchedTopic {
  readonly #follow: FollowOutput;

  constructor(follow: FollowOutput) {
    this.#follow = follow;
  }

  watch(send: SendText, container?: string): () => void {
    if (container === undefined) return () => undefined;
    const gone = new AbortController();
    const sendEvent = (event: ServerEvent): void => send(JSON.stringify(event));
    const batch = new Batch((lines, omitted, isFirst) =>
      sendEvent({ type: 'output', container, lines, omitted, isFirst }),
    );
    this.#follow(container, (line) => batch.add(line), gone.signal).then(
      () => {
        if (gone.signal.aborted) return;
        batch.flush();
        sendEvent({ type: 'output-end', container });
      },
      (error: unknown) => {
        if (gone.signal.aborted) return;
        batch.flush();
        sendEvent({ type: 'unavailable', topic: 'output', error: reportOf(error) });
      },
    );
    return () => {
      gone.abort();
      batch.drop();
    };
  }
}

type Give = (lines: OutputLine[], omitted: number, isFirst: boolean) => void;

class Batch {
  readonly #give: Give;
  #lines: OutputLine[] = [];
  #omitted = 0;
  #isFirst = true;
  #timer: NodeJS.Timeout | undefined;

  constructor(give: Give) {
    this.#give = give;
    this.#timer = setTimeout(() => this.flush(), BATCH_MS);
  }

  add({ at, stream, text }: FollowedLine): void {
    const line = { stream, text: cleanLine(new TextEncoder().encode(text)) };
    this.#lines.push(at === undefined ? line : { ...line, at });
    if (this.#lines.length > 2 * MAX_BATCH) this.#shorten();
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** Also sent without a line: then the container has printed nothing yet. */
  flush(): void {
    this.drop();
    this.#shorten();
    if (this.#lines.length === 0 && !this.#isFirst) return;
    this.#give(this.#lines, this.#omitted, this.#isFirst);
    this.#lines = [];
    this.#omitted = 0;
    this.#isFirst = false;
  }

  drop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #shorten(): void {
    const excess = this.#lines.length - MAX_BATCH;
    if (excess <= 0) return;
    this.#lines = this.#lines.slice(excess);
    this.#omitted += excess;
  }
}
