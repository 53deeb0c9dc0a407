import { createServer, type Server } from 'node:net';
import { startListening } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { acceptWithOnread } from './accept-with-onread.js';
import { BytePump } from './byte-pump.js';
import type { Forwarder, ForwarderOptions } from './forwarder.js';
import { TcpPair } from './tcp-pair.js';

/** The default of net.core.somaxconn: https://docs.kernel.org/admin-guide/sysctl/net.html */
const BACKLOG = 4_096;

/**
 * Forwards TCP connections to the guest, with backpressure, half-open connections and no idle timeout; a
 * reset on one side resets the other. While the guest cannot be reached, new connections are reset at once
 * and the port stays open. Running out of file descriptors only costs the connections that arrive meanwhile.
 * @throws the system's error when it cannot listen
 */
export async function forwardTcp(options: ForwarderOptions): Promise<Forwarder> {
  const { address, port } = options;
  const pairs = new Set<TcpPair>();
  const counters = { bytesIn: 0, bytesOut: 0 };
  const context = { counters, pairs, onTrouble: options.onTrouble };
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: 1 });
  const ipv6Only = address.includes(':');
  await startListening(server, { host: address, port, ipv6Only, exclusive: true, backlog: BACKLOG });
  const toGuest = (): BytePump => new BytePump(counters, 'bytesIn');
  acceptWithOnread(server, toGuest, (client, pump) => {
    const target = options.target();
    if (target !== undefined) return void pairs.add(new TcpPair(client, target, pump, context));
    options.onTrouble('ports.connection.refused', 'the VM cannot be reached');
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
    for (const pair of pairs) pair.reset();
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
