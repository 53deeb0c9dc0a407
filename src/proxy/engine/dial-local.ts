import { once } from 'node:events';
import { connect } from 'node:net';
import { MobyvmError, textOf } from '../../core/index.js';
import type { Dial } from './availability.js';
import { STREAM_BUFFER_BYTES } from './duplex.js';

/**
 * Dials an engine of this host: by its unix socket, or by its named pipe (`\\.\pipe\docker_engine`), which Node opens
 * with the same call.
 */
export function localDial(path: string): Dial {
  return async (signal) => {
    signal.throwIfAborted();
    const options = { path, allowHalfOpen: true, highWaterMark: STREAM_BUFFER_BYTES };
    const socket = connect(options);
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (error) {
      socket.destroy();
      signal.throwIfAborted();
      throw new MobyvmError(
        'MOBYVM_ENGINE_UNREACHABLE',
        `The Docker Engine at "${path}" does not take connections (${textOf(error)}).`,
        'Start that engine, then try again.',
        { cause: error, details: { path } },
      );
    }
  };
}
