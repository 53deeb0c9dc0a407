import type { ListenLocally, LocalAccess, LocalListener } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { STREAM_BUFFER_BYTES } from './duplex.js';
import { EngineGateway, type EngineGatewayOptions, type EngineGatewayStats } from './gateway.js';

export interface EngineEndpointOptions extends EngineGatewayOptions {
  /** The host's way to listen: unix sockets, or named pipes. */
  readonly listen: ListenLocally;
  /** For example `/run/mobyvm/docker.sock`. */
  readonly address: string;
  /**
   * Another address, where clients look that are told nothing. It may be another program's: then the endpoint does without.
   */
  readonly usualAddress?: string | undefined;
  /** Whoever may connect is root in the VM, and can mount whatever is shared with it. */
  readonly access: LocalAccess;
  readonly signal?: AbortSignal | undefined;
}

/** The address where clients look that are told nothing. */
export interface UsualAddress {
  readonly address: string;
  /** Why the engine is not there, as a sentence; undefined if it is. */
  readonly problem: string | undefined;
}

export interface EngineEndpoint {
  readonly address: string;
  readonly usual: UsualAddress | undefined;
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
  const listener = await listen(options, address, gateway).catch((error: unknown) => {
    gateway.close();
    throw error;
  });
  const { usual, usualListener } = await listenWhereUsual(options, gateway);
  logger.info('engine.endpoint.listening', { address });
  const close = async (): Promise<void> => {
    // The endpoint disappears first: new clients are refused at once instead of being cut off.
    try {
      await Promise.all([listener.close(), usualListener?.close()]);
    } finally {
      gateway.close();
    }
    logger.info('engine.endpoint.closed', { address });
  };
  let closing: Promise<void> | undefined;
  return {
    address,
    usual,
    get stats() {
      return gateway.stats;
    },
    restore: async () => {
      const isUsualRestored = (await usualListener?.restore()) ?? false;
      return (await listener.restore()) || isUsualRestored;
    },
    close: () => (closing ??= close()),
  };
}

function listen(
  options: EngineEndpointOptions,
  address: string,
  gateway: EngineGateway,
): Promise<LocalListener> {
  return options.listen({
    address,
    access: options.access,
    highWaterMark: STREAM_BUFFER_BYTES,
    logger: options.logger,
    signal: options.signal,
    onConnection: (client, probe) => void gateway.serve(client, probe),
  });
}

async function listenWhereUsual(
  options: EngineEndpointOptions,
  gateway: EngineGateway,
): Promise<{ readonly usual?: UsualAddress; readonly usualListener?: LocalListener }> {
  const { usualAddress: address, logger } = options;
  if (address === undefined) return {};
  try {
    const usualListener = await listen(options, address, gateway);
    logger.info('engine.endpoint.listening', { address });
    return { usual: { address, problem: undefined }, usualListener };
  } catch (error) {
    if (!(error instanceof MobyvmError)) throw error;
    logger.warn('engine.endpoint.unavailable', { address, reason: error.message });
    return { usual: { address, problem: error.message } };
  }
}
