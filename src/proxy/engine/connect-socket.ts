import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { MobyvmError } from '../../core/values/index.js';

/**
 * Waits until a socket that is connecting is connected; else it is destroyed.
 * @throws what `failed` makes of the reason; the signal's reason when aborted
 */
export async function connected(
  socket: Socket,
  signal: AbortSignal,
  failed: (cause: unknown) => MobyvmError,
): Promise<Socket> {
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw failed(error);
  }
}
