import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { Duplex } from 'node:stream';

/** How long a client may take to send its request, from the connection on. */
const REQUEST_MS = 60_000;

/** Takes a connection whose client asked for another protocol; what it has sent since is in the stream. */
export type OnUpgrade = (request: IncomingMessage, stream: Duplex) => void;

/**
 * Serves HTTP on streams that something else has accepted. node:http takes any Duplex
 * (https://nodejs.org/api/http.html#event-connection), but its time limits need a listening server and a
 * socket's `setTimeout`. So each connection carries one request, is closed after the response, and has its
 * own limit here.
 * @param onUpgrade without it, requests for an upgrade are requests like others
 * @returns takes one connection
 */
export function httpOnStreams(
  onRequest: RequestListener,
  requestMs = REQUEST_MS,
  onUpgrade?: OnUpgrade,
): (stream: Duplex) => void {
  const upgraded = new WeakSet<Duplex>();
  const requests = new WeakMap<Duplex, IncomingMessage>();
  const server = createServer((request, response) => {
    requests.set(request.socket, request);
    response.setHeader('Connection', 'close');
    onRequest(request, response);
  });
  if (onUpgrade !== undefined)
    server.on('upgrade', (request, stream, early) => {
      upgraded.add(stream);
      if (early.length > 0) stream.unshift(early);
      onUpgrade(request, stream);
    });
  return (stream) => {
    const timer = setTimeout(() => {
      if (requests.get(stream)?.complete !== true && !upgraded.has(stream)) stream.destroy();
    }, requestMs);
    stream.once('close', () => clearTimeout(timer));
    // The response has been sent, or the client has gone: a Duplex that allows half-open use stays open
    // otherwise.
    stream.once('finish', () => stream.destroy());
    server.emit('connection', stream);
  };
}
