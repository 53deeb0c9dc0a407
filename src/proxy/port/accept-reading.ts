import { Socket, type OnReadOpts, type Server } from 'node:net';

/** What Node keeps in a server, as far as we use it; see {@link acceptReading}. */
interface ServerHandle {
  onconnection: (status: number, handle: unknown) => void;
}

/**
 * Takes the connections of a listening server as paused sockets whose reads go where `onread` says. Node has that for
 * connections that are dialled only (`onread` of `net.connect`): for accepted ones the server's own listener, which is no public
 * API, is stood before. Where it is not found as expected the server makes its sockets as always, without `onread`:
 * slower, and the same otherwise.
 */
export function acceptReading<Reader extends { readonly onread: OnReadOpts }>(
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
      ...SINK,
      onread: reader.onread,
    };
    const client = new Socket(options);
    client.setNoDelay(true);
    accept(client, reader);
  };
}

/** A sink tells by `drain` when it has passed on what it could not at once, however little that was. */
export const SINK = { writableHighWaterMark: 1 };

function isServerHandle(handle: unknown): handle is ServerHandle {
  return (
    typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'onconnection') === 'function'
  );
}
