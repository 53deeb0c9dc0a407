import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { WebSocket, type RawData } from 'ws';
import type { ServerEvent, Topic, WatchRequest } from '../protocol/control-events.js';
import { EVENTS_PATH, EVENTS_PROTOCOL } from '../protocol/event-stream.js';

export interface EventStreamOptions {
  /** Of a unix socket or a named pipe. */
  readonly address: string;
  readonly topics: readonly Topic[];
  /** Ends the stream. */
  readonly signal: AbortSignal | undefined;
  /** Parses one message. @throws what the reader of the stream gets */
  readonly parse: (text: string) => ServerEvent;
  /** What to throw when the daemon answers with an error instead of a stream. */
  readonly refused: (response: IncomingMessage) => Promise<Error>;
}

/**
 * Yields what the daemon sends about the topics. Ends when the signal is aborted, or when the daemon ends: the reader
 * decides what that means.
 * @throws the system's error if there is no connection
 */
export async function* eventStream(options: EventStreamOptions): AsyncGenerator<ServerEvent> {
  const { address, topics, signal } = options;
  signal?.throwIfAborted();
  const socket = new WebSocket(`ws://localhost${EVENTS_PATH}`, EVENTS_PROTOCOL, {
    createConnection: () => connect({ path: address }),
    perMessageDeflate: false,
  });
  const queue = new MessageQueue();
  const leave = (): void => socket.terminate();
  signal?.addEventListener('abort', leave, { once: true });
  let isOpen = false;
  socket.once('open', () => {
    isOpen = true;
    socket.send(JSON.stringify({ watch: [...topics] } satisfies WatchRequest));
  });
  socket.on('message', (data: RawData) => queue.add(Buffer.isBuffer(data) ? data.toString('utf8') : ''));
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    void options.refused(response).then((error) => queue.end(error));
  });
  socket.on('error', (error) => queue.end(isOpen || signal?.aborted === true ? undefined : error));
  socket.once('close', () => queue.end());
  try {
    for await (const text of queue) yield options.parse(text);
  } finally {
    signal?.removeEventListener('abort', leave);
    // Nothing is owed to the daemon: waiting for its answer would keep this process alive.
    socket.terminate();
  }
}

/** Messages in the order in which they came, until the end. */
class MessageQueue implements AsyncIterable<string> {
  readonly #texts: string[] = [];
  #ended: { readonly error: Error | undefined } | undefined;
  #wake: () => void = () => undefined;

  add(text: string): void {
    this.#texts.push(text);
    this.#wake();
  }

  /** The first end counts. */
  end(error?: Error): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      const text = this.#texts.shift();
      if (text !== undefined) {
        yield text;
        continue;
      }
      if (this.#ended?.error !== undefined) throw this.#ended.error;
      if (this.#ended !== undefined) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
