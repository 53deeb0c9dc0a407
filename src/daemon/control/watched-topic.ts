import type { ServerEvent } from '../../protocol/control-events.js';

/** Gets the JSON text of an event, which is the same for every client. */
export type SendText = (text: string) => void;

/** What clients of the event stream can watch. */
export interface WatchedTopic {
  /**
   * Sends the present state, now or as soon as it is known, and then what changes.
   * @param container what the topic `output` is about
   * @returns ends it
   */
  watch(send: SendText, container?: string): () => void;
}

/** A topic without a state: only what happens while a client watches is sent. */
export class HappeningTopic implements WatchedTopic {
  readonly #watchers = new Set<SendText>();

  watch(send: SendText): () => void {
    const own: SendText = (text) => send(text);
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  }

  emit(event: ServerEvent): void {
    if (this.#watchers.size === 0) return;
    const text = JSON.stringify(event);
    for (const send of [...this.#watchers]) send(text);
  }
}
