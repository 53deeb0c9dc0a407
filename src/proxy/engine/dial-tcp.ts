import { connect, type Socket } from 'node:net';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import { connected } from './connect-socket.js';
import { STREAM_BUFFER_BYTES } from './duplex.js';

/**
 * A silent connection is asked after this long whether its peer still lives; Node then asks ten times, each second. A VM
 * that has ended is known at once without that; one that stands still (its host's disk is full) goes on, and so do its
 * connections when it stands still for less.
 */
const KEEP_ALIVE_AFTER_MS = 600_000;

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** Dials the engine by plain TCP. */
export function tcpDial(address: TcpAddress): Dial {
  return (signal) => dialTcp(address, signal);
}

/** One connection that allows half-open use. @throws as {@link Dial} says */
export async function dialTcp(address: TcpAddress, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const options = {
    ...address,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    highWaterMark: STREAM_BUFFER_BYTES,
  };
  return connected(connect(options), signal, (cause) => unreachable(address, cause));
}

function unreachable({ host, port }: TcpAddress, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `The Docker Engine at ${host}:${port} does not take connections (${textOf(cause)}).`,
    'Look into `mobyvm logs`; `mobyvm restart` starts the VM anew.',
    { cause, details: { host, port } },
  );
}
