import { Socket, type OnReadOpts, type Server } from 'node:net';

/** The part of Node's internal server handle that is used here; see {@link acceptWithOnread}. */
interface ServerHandle {
  onconnection: (status: number, handle: unknown) => void;
}

/**
 * Accepts connections as paused sockets that read into the reader's buffers by way of `onread`. Node offers
 * `onread` only for outgoing connections
 * (https://nodejs.org/api/net.html#socketconnectoptions-connectlistener), so this wraps the server's internal
 * connection handler, which is not public API. If that handler is not there, sockets are made as usual,
 * without `onread`: slower, but otherwise the same.
 */
export function acceptWithOnread<Reader extends { readonly onread: OnReadOpts }>(
  server: Server,
  makeReader: () => Reader,
  accept: (client: Socket, reader: Reader) => void,
): void {
  server.on('connection', (client: Socket) => accept(client, makeReader()));
  const handle: unknown = Reflect.get(server, '_handle');
  if (!isServerHandle(handle)) return;
  const { onconnection } = handle;
  handle.onconnection = (status, connection) => {
    if (status !== 0 || typeof connection !== 'object' || connection === null) {
      Reflect.apply(onconnection, handle, [status, connection]);
      return;
    }
    const reader = makeReader();
    const options = {
      handle: connection,
      allowHalfOpen: true,
      pauseOnCreate: true,
      ...DRAIN_ON_EMPTY,
      onread: reader.onread,
    };
    const client = new Socket(options);
    client.setNoDelay(true);
    accept(client, reader);
  };
}

/** Makes a socket emit `drain` whenever its write queue has emptied, however short it was. */
export const DRAIN_ON_EMPTY = { writableHighWaterMark: 1 };

function isServerHandle(handle: unknown): handle is ServerHandle {
  return (
    typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'onconnection') === 'function'
  );
}
