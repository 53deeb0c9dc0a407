import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { errnoOf, MobyvmError } from '../../core/index.js';
import { STREAM_BUFFER_BYTES } from './duplex.js';
import { EngineGateway, type EngineGatewayOptions, type EngineGatewayStats } from './gateway.js';
import { unixHangupProbe } from './hangup-probe.js';
import { prepareSocket } from './socket-place.js';

export interface EngineEndpointOptions extends EngineGatewayOptions {
  /** Of the unix socket, for example `/run/mobyvm/docker.sock`; at most 107 bytes. */
  readonly path: string;
  /** Members of this group may connect, for example `docker`. */
  readonly groupName: string;
  readonly signal?: AbortSignal | undefined;
}

export interface EngineEndpoint {
  readonly path: string;
  readonly stats: EngineGatewayStats;
  /** Cuts all connections and removes the socket. Safe to repeat. */
  close(): Promise<void>;
}

/** How many clients may connect before we accept; Go's gets EAGAIN at once beyond it. The kernel caps it (somaxconn). */
const BACKLOG = 4_096;

/**
 * Offers the Docker Engine on a unix socket. It may start long before there is an engine: until then clients wait, and
 * are told what is going on.
 * @throws MobyvmError MOBYVM_ENDPOINT_IN_USE, MOBYVM_FOREIGN_OBJECT, MOBYVM_SETTINGS; see prepareSocket
 */
export async function startEngineEndpoint(options: EngineEndpointOptions): Promise<EngineEndpoint> {
  const { path, logger } = options;
  const prepared = await prepareSocket(options, options.signal ?? new AbortController().signal);
  const gateway = new EngineGateway(options);
  const server = createServer({ allowHalfOpen: true, highWaterMark: STREAM_BUFFER_BYTES }, (client) => {
    void gateway.serve(client, unixHangupProbe);
  });
  try {
    await listen(server, prepared.bindPath);
    const published = await prepared.publish();
    server.on('error', (error) =>
      logger.error('engine.endpoint.failed', { path, error: error.message, errno: errnoOf(error) }),
    );
    logger.info('engine.endpoint.listening', { path });
    let closing: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      await published.remove();
      await stop(server, gateway);
      logger.info('engine.endpoint.closed', { path });
    };
    return {
      path,
      get stats() {
        return gateway.stats;
      },
      close: () => (closing ??= close()),
    };
  } catch (error) {
    await stop(server, gateway);
    await prepared.discard();
    throw error;
  }
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen({ path, backlog: BACKLOG });
  await once(server, 'listening');
}

async function stop(server: Server, gateway: EngineGateway): Promise<void> {
  gateway.close();
  if (!server.listening) return;
  await new Promise<void>((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(closeFailed(error))));
  });
}

function closeFailed(cause: Error): MobyvmError {
  return new MobyvmError('MOBYVM_BUG', `The engine's socket could not be closed: ${cause.message}.`, '', {
    cause,
  });
}
