import { reportOf } from '../../core/values/index.js';
import type { ServerEvent, Topic } from '../../protocol/control-events.js';
import type { SendText, WatchedTopic } from './watched-topic.js';

export interface StateTopicOptions {
  readonly name: Topic;
  readonly read: () => ServerEvent | Promise<ServerEvent>;
  /** Calls back when the state may have changed. @returns the unsubscribe function */
  readonly onChange?: (listener: () => void) => () => void;
  /** For what changes without notice. */
  readonly everyMs: number;
  /** What two equal states have in common; the whole event if absent. */
  readonly essence?: (event: ServerEvent) => unknown;
}

/**
 * A state that is read when it may have changed, and sent when it has.
 *
 * INVARIANTS
 * - Nothing is read and no timer runs while no client watches.
 * - There is at most one read at a time; what changes meanwhile causes one more.
 */
export class StateTopic implements WatchedTopic {
  readonly #options: StateTopicOptions;
  readonly #watchers = new Set<SendText>();
  #latest: { readonly text: string; readonly essence: string } | undefined;
  #reading = false;
  #isStale = false;
  #stop: () => void = () => undefined;

  constructor(options: StateTopicOptions) {
    this.#options = options;
  }

  watch(send: SendText): () => void {
    const own: SendText = (text) => send(text);
    this.#watchers.add(own);
    if (this.#watchers.size === 1) this.#start();
    else if (this.#latest !== undefined) own(this.#latest.text);
    return () => {
      this.#watchers.delete(own);
      if (this.#watchers.size === 0) this.#end();
    };
  }

  #start(): void {
    const refresh = (): void => void this.#refresh();
    const timer = setInterval(refresh, this.#options.everyMs);
    const unsubscribe = this.#options.onChange?.(refresh);
    this.#stop = () => {
      clearInterval(timer);
      unsubscribe?.();
    };
    refresh();
  }

  #end(): void {
    this.#stop();
    // What the next client gets has to be read again.
    this.#latest = undefined;
  }

  async #refresh(): Promise<void> {
    this.#isStale = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#isStale && this.#watchers.size > 0) {
      this.#isStale = false;
      this.#send(await this.#read());
    }
    this.#reading = false;
  }

  async #read(): Promise<ServerEvent> {
    try {
      return await this.#options.read();
    } catch (error) {
      return { type: 'unavailable', topic: this.#options.name, error: reportOf(error) };
    }
  }

  #send(event: ServerEvent): void {
    if (this.#watchers.size === 0) return;
    const essence = JSON.stringify(this.#options.essence?.(event) ?? event);
    const isKnown = essence === this.#latest?.essence;
    const text = JSON.stringify(event);
    this.#latest = { text, essence };
    if (isKnown) return;
    for (const send of [...this.#watchers]) send(text);
  }
}
