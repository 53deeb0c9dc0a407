import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import { STREAM_BUFFER_BYTES } from './duplex.js';
import { EngineGateway, type EngineGatewayOptions, type EngineGatewayStats } from './gateway.js';
import { unixHangupProbe } from './hangup-probe.js';
import { prepareSocket, type PublishedSocket } from './socket-place.js';

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
  /** Opens the socket anew when its file is gone; connections go on. True when it was gone. @throws as the start does */
  restore(): Promise<boolean>;
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
  const gateway = new EngineGateway(options);
  let current = await open(options, gateway);
  logger.info('engine.endpoint.listening', { path });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await current.published.remove();
    await stop(current.server, gateway);
    logger.info('engine.endpoint.closed', { path });
  };
  return {
    path,
    get stats() {
      return gateway.stats;
    },
    async restore() {
      if (closing !== undefined || (await current.published.isThere())) return false;
      const { server } = current;
      current = await open(options, gateway);
      // Its connections go on.
      server.close();
      return true;
    },
    close: () => (closing ??= close()),
  };
}

interface OpenSocket {
  readonly server: Server;
  readonly published: PublishedSocket;
}

async function open(options: EngineEndpointOptions, gateway: EngineGateway): Promise<OpenSocket> {
  const { path, logger } = options;
  const prepared = await prepareSocket(options, options.signal ?? new AbortController().signal);
  const server = createServer({ allowHalfOpen: true, highWaterMark: STREAM_BUFFER_BYTES }, (client) => {
    void gateway.serve(client, unixHangupProbe);
  });
  try {
    await listen(server, prepared.bindPath);
    const published = await prepared.publish();
    server.on('error', (error) =>
      logger.error('engine.endpoint.failed', { path, error: error.message, errno: errnoOf(error) }),
    );
    return { server, published };
  } catch (error) {
    if (server.listening) server.close();
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
