import type { ListenLocally, LocalAccess, LocalListener } from '../../core/host/index.js';
import { STREAM_BUFFER_BYTES } from './duplex.js';
import { EngineGateway, type EngineGatewayOptions, type EngineGatewayStats } from './gateway.js';

export interface EngineEndpointOptions extends EngineGatewayOptions {
  /** The host's way to listen: unix sockets, or named pipes. */
  readonly listen: ListenLocally;
  /** For example `/run/mobyvm/docker.sock`. */
  readonly address: string;
  /** Whoever may connect is root in the VM, and can mount whatever is shared with it. */
  readonly access: LocalAccess;
  readonly signal?: AbortSignal | undefined;
}

export interface EngineEndpoint {
  readonly address: string;
  readonly stats: EngineGatewayStats;
  /** Recreates the endpoint if it was deleted; see LocalListener. */
  restore(): Promise<boolean>;
  /** Closes all connections and removes the endpoint. Safe to call repeatedly. */
  close(): Promise<void>;
}

/**
 * Offers the Docker Engine at a local address. It may start long before there is an engine: until then,
 * clients wait, and are told what mobyvm is doing.
 * @throws MobyvmError as ListenLocally does
 */
export async function startEngineEndpoint(options: EngineEndpointOptions): Promise<EngineEndpoint> {
  const { address, logger } = options;
  const gateway = new EngineGateway(options);
  const listener = await listen(options, gateway);
  logger.info('engine.endpoint.listening', { address });
  const close = async (): Promise<void> => {
    // The endpoint disappears first: new clients are refused at once instead of being cut off.
    try {
      await listener.close();
    } finally {
      gateway.close();
    }
    logger.info('engine.endpoint.closed', { address });
  };
  let closing: Promise<void> | undefined;
  return {
    address,
    get stats() {
      return gateway.stats;
    },
    restore: () => listener.restore(),
    close: () => (closing ??= close()),
  };
}

async function listen(options: EngineEndpointOptions, gateway: EngineGateway): Promise<LocalListener> {
  try {
    return await options.listen({
      address: options.address,
      access: options.access,
      highWaterMark: STREAM_BUFFER_BYTES,
      logger: options.logger,
      signal: options.signal,
      onConnection: (client, probe) => void gateway.serve(client, probe),
    });
  } catch (error) {
    gateway.close();
    throw error;
  }
}
