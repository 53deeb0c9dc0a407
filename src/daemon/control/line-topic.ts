import type { ServerEvent } from '../../protocol/control-events.js';
import type { SendText, WatchedTopic } from './watched-topic.js';

export interface LineTopicOptions<Line> {
  /** The latest lines, oldest first. */
  readonly recent: () => readonly Line[] | Promise<readonly Line[]>;
  readonly onLine: (listener: (line: Line) => void) => () => void;
  readonly event: (lines: Line[], isFirst: boolean) => ServerEvent;
}

/** Lines that come in a burst are sent together. */
const BATCH_MS = 100;
/** A burst that is longer is sent at once, so that it does not pile up here. */
const MAX_BATCH = 500;

/** A log: the latest lines, then every further one. */
export class LineTopic<Line> implements WatchedTopic {
  readonly #options: LineTopicOptions<Line>;

  constructor(options: LineTopicOptions<Line>) {
    this.#options = options;
  }

  watch(send: SendText): () => void {
    const { recent, onLine, event } = this.#options;
    const pending: Line[] = [];
    let isFirst = true;
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    const flush = (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (isOver || isFirst || pending.length === 0) return;
      send(JSON.stringify(event(pending.splice(0), false)));
    };
    const unsubscribe = onLine((line) => {
      pending.push(line);
      if (pending.length >= MAX_BATCH) flush();
      else timer ??= setTimeout(flush, BATCH_MS);
    });
    const begin = async (): Promise<void> => {
      const lines = await Promise.resolve(recent()).catch(() => []);
      if (isOver) return;
      send(JSON.stringify(event([...lines], true)));
      isFirst = false;
      pending.splice(0, overlap(lines, pending));
      flush();
    };
    void begin();
    return () => {
      isOver = true;
      clearTimeout(timer);
      unsubscribe();
    };
  }
}

/** How many of the new lines the latest ones hold already: they came while those were read. */
function overlap<Line>(latest: readonly Line[], fresh: readonly Line[]): number {
  for (let count = Math.min(latest.length, fresh.length); count > 0; count -= 1) {
    const end = latest.slice(-count);
    if (end.every((line, at) => line === fresh[at])) return count;
  }
  return 0;
}
