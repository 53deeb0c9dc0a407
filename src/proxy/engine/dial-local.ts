import { connect } from 'node:net';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Dial } from './availability.js';
import { connected } from './connect-socket.js';
import { STREAM_BUFFER_BYTES } from './duplex.js';

/**
 * Dials an engine of this host: by its unix socket, or by its named pipe (`\\.\pipe\docker_engine`), which Node opens
 * with the same call.
 */
export function localDial(path: string): Dial {
  return async (signal) => {
    signal.throwIfAborted();
    const options = { path, allowHalfOpen: true, highWaterMark: STREAM_BUFFER_BYTES };
    return connected(connect(options), signal, (cause) => unreachable(path, cause));
  };
}

function unreachable(path: string, cause: unknown): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    `The Docker Engine at "${path}" does not take connections (${textOf(cause)}).`,
    'Start that engine, then try again.',
    { cause, details: { path } },
  );
}
