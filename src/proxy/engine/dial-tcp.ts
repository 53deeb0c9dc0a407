import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { MobyvmError, textOf } from '../../core/values/index.js';
import { failWritesAfterReading, STREAM_BUFFER_BYTES } from './duplex.js';

/**
 * An idle connection is checked after this long: libuv then sends ten probes, one a second (uv_tcp_keepalive
 * in https://docs.libuv.org/en/v1.x/tcp.html). It is long, because the end of a VM is noticed in other ways,
 * and a VM that is paused (its host's disk is full) keeps its connections if it continues before that.
 */
const KEEP_ALIVE_AFTER_MS = 600_000;

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Connects to the engine by TCP, for half-open use.
 * @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE; the signal's reason if aborted
 */
export async function dialTcp(address: TcpAddress, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const options = {
    host: address.host,
    port: address.port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    // In Node since 16.14, but not in @types/node for client sockets.
    highWaterMark: STREAM_BUFFER_BYTES,
  };
  const socket = connect(options);
  try {
    await once(socket, 'connect', { signal });
    failWritesAfterReading(socket);
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw engineUnreachableError(address, error);
  }
}

function engineUnreachableError({ host, port }: TcpAddress, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `Cannot connect to the Docker Engine at ${host}:${port}: ${textOf(cause)}.`,
    'See `mobyvm logs`, or restart the VM with `mobyvm restart`.',
    { cause, details: { host, port } },
  );
}
