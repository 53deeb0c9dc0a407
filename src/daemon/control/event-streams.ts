import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import type { Logger } from '../../core/host/index.js';
import { reportOf } from '../../core/values/index.js';
import { watchRequest, type ServerEvent, type Topic } from '../../protocol/control-events.js';
import { ALIVE_EVERY_MS, EVENTS_PATH, EVENTS_PROTOCOL } from '../../protocol/event-stream.js';
import { version } from '../../protocol/version.js';
import { RequestError } from './endpoint.js';
import type { WatchedTopic } from './watched-topic.js';

export type Topics = Readonly<Record<Topic, WatchedTopic>>;

export interface EventStreamsOptions {
  readonly topics: Topics;
  readonly logger: Logger;
  /** How many clients there may be; the next ones get 503. */
  readonly maxClients: number;
}

/** A client only names topics. */
const MAX_MESSAGE_BYTES = 4_096;
/** What waits for a client that does not read; beyond it the stream is ended, and the client may come back. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const POLICY_VIOLATION = 1008;

/** The event streams of the control API (protocol/control-events.ts). */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(EVENTS_PROTOCOL) ? EVENTS_PROTOCOL : false),
  });
  #alive: NodeJS.Timeout | undefined;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** How many clients are connected. */
  get clients(): number {
    return this.#server.clients.size;
  }

  /** Takes over a connection that asks for the WebSocket protocol. */
  accept(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const [path = ''] = (request.url ?? '').split('?', 1);
    if (path !== EVENTS_PATH) {
      refuseUpgrade(
        stream,
        404,
        new RequestError(404, `The control API has no event stream at ${path.slice(0, 200)}.`),
      );
      return;
    }
    if (this.clients >= this.#options.maxClients) {
      this.#options.logger.warn('control.stream.refused', { clients: this.clients });
      refuseUpgrade(stream, 503, new RequestError(409, 'The daemon has too many clients.', 'Close some.'));
      return;
    }
    this.#server.handleUpgrade(request, stream, head, (socket) => this.#serve(socket));
  }

  async close(): Promise<void> {
    clearInterval(this.#alive);
    for (const client of this.#server.clients) client.terminate();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: WebSocket): void {
    const { topics } = this.#options;
    const watched = new Map<string, () => void>();
    const send = (text: string): void => this.#send(socket, text);
    const end = (): void => {
      watched.forEach((unwatch) => unwatch());
      watched.clear();
      if (this.clients === 0) this.#stopAlive();
    };
    socket.on('error', (error) => {
      this.#options.logger.debug('control.stream.failed', { reason: error.message });
    });
    socket.once('close', end);
    socket.on('message', (data, isBinary) => {
      const wanted = isBinary ? undefined : wishesIn(data);
      if (wanted === undefined) {
        socket.close(POLICY_VIOLATION, 'not a message of the control API');
        return;
      }
      const { names, container } = wanted;
      const keyOf = (name: Topic): string => (name === 'output' ? `output of ${container ?? ''}` : name);
      const keys = names.map(keyOf);
      for (const [key, unwatch] of watched) {
        if (keys.includes(key)) continue;
        unwatch();
        watched.delete(key);
      }
      send(JSON.stringify({ type: 'watching', topics: names } satisfies ServerEvent));
      for (const name of names) {
        if (watched.has(keyOf(name))) continue;
        watched.set(keyOf(name), topics[name].watch(send, container));
      }
    });
    send(JSON.stringify({ type: 'hello', version } satisfies ServerEvent));
    this.#alive ??= setInterval(() => this.#sayAlive(), ALIVE_EVERY_MS);
  }

  #send(socket: WebSocket, text: string): void {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_WAITING_BYTES) {
      this.#options.logger.warn('control.stream.slow', { bytes: socket.bufferedAmount });
      socket.terminate();
      return;
    }
    socket.send(text);
  }

  #sayAlive(): void {
    const text = JSON.stringify({ type: 'alive' } satisfies ServerEvent);
    for (const client of this.#server.clients) this.#send(client, text);
  }

  #stopAlive(): void {
    clearInterval(this.#alive);
    this.#alive = undefined;
  }
}

/** Undefined if it is no request of a client. */
function wishesIn(data: RawData): { names: Topic[]; container: string | undefined } | undefined {
  try {
    const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
    const { watch, container } = watchRequest.parse(JSON.parse(text));
    return { names: [...new Set(watch)], container };
  } catch {
    return undefined;
  }
}

/** Answers a request for the WebSocket protocol with an error, and ends the connection. */
export function refuseUpgrade(stream: Duplex, status: number, error: unknown): void {
  const body = JSON.stringify({ error: reportOf(error) });
  stream.once('error', () => undefined);
  stream.once('finish', () => stream.destroy());
  stream.end(
    [
      `HTTP/1.1 ${status} Refused`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}
