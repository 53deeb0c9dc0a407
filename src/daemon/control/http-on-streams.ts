import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';

/** How long a client may take to send its request, from the connection on. */
const REQUEST_MS = 60_000;

/** Takes a connection whose client asked for another protocol. @param head what it has sent of that already */
export type UpgradeListener = (request: IncomingMessage, stream: Duplex, head: Buffer) => void;

export interface HttpListeners {
  readonly onRequest: RequestListener;
  /** Owns the stream from then on. */
  readonly onUpgrade: UpgradeListener;
}

/**
 * Serves HTTP on streams that something else has accepted. node:http takes any Duplex
 * (https://nodejs.org/api/http.html#event-connection), but its time limits need a listening server and a
 * socket's `setTimeout`. So each connection carries one request, is closed after the response, and has its
 * own limit here.
 * @returns takes one connection
 */
export function httpOnStreams(
  { onRequest, onUpgrade }: HttpListeners,
  requestMs = REQUEST_MS,
): (stream: Duplex) => void {
  const requests = new WeakMap<Duplex, Pick<IncomingMessage, 'complete'>>();
  const server = createServer((request, response) => {
    requests.set(request.socket, request);
    response.setHeader('Connection', 'close');
    onRequest(request, response);
  });
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    requests.set(stream, { complete: true });
    onUpgrade(request, stream, head);
  });
  return (stream) => {
    const timer = setTimeout(() => {
      if (requests.get(stream)?.complete !== true) stream.destroy();
    }, requestMs);
    stream.once('close', () => clearTimeout(timer));
    // The response has been sent, or the client has gone: a Duplex that allows half-open use stays open
    // otherwise.
    stream.once('finish', () => stream.destroy());
    server.emit('connection', stream);
  };
}
