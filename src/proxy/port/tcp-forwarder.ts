import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { textOf } from '../../core/values/index.js';
import { acceptReading } from './accept-reading.js';
import { ByteFlow } from './byte-flow.js';
import type { Forwarder, ForwarderOptions } from './forwarder.js';
import { TcpPair } from './tcp-pair.js';

/** What Linux gives a listening program when it asks for more than `net.core.somaxconn`. */
const BACKLOG = 4_096;

/**
 * Forwards TCP connections to the guest: each direction ends by itself, at the speed of the slower reader, without an idle
 * limit; a reset on one side becomes one on the other. While the guest cannot be reached connections are reset at once, and
 * the port stays ours. Running out of descriptors costs the connections that come meanwhile, nothing else.
 * @throws the system's error when it cannot listen
 */
export async function forwardTcp(options: ForwarderOptions): Promise<Forwarder> {
  const { address, port } = options;
  const pairs = new Set<TcpPair>();
  const counters = { bytesIn: 0, bytesOut: 0 };
  const around = { counters, pairs, onTrouble: options.onTrouble };
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: 1 });
  const ipv6Only = address.includes(':');
  server.listen({ host: address, port, ipv6Only, exclusive: true, backlog: BACKLOG });
  await once(server, 'listening');
  const toGuest = (): ByteFlow => new ByteFlow(counters, 'bytesIn');
  acceptReading(server, toGuest, (client, flow) => {
    const target = options.target();
    if (target !== undefined) return void pairs.add(new TcpPair(client, target, flow, around));
    options.onTrouble('ports.connection.refused', 'the VM cannot be reached now');
    client.resetAndDestroy();
  });
  server.on('error', (error) => options.onTrouble('ports.accept.failed', textOf(error)));
  return forwarderOf(server, pairs, counters);
}

function forwarderOf(
  server: Server,
  pairs: ReadonlySet<TcpPair>,
  counters: { readonly bytesIn: number; readonly bytesOut: number },
): Forwarder {
  const reset = (): void => {
    for (const pair of pairs) pair.cut();
  };
  return {
    get isListening() {
      return server.listening;
    },
    get connections() {
      return pairs.size;
    },
    get bytesIn() {
      return counters.bytesIn;
    },
    get bytesOut() {
      return counters.bytesOut;
    },
    reset,
    close: () => {
      if (server.listening) server.close();
      reset();
    },
  };
}
