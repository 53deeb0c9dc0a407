import type { ListenLocally } from '../core/host/index.js';
import { listenOnNamedPipes } from './pipe/pipe-listener.js';

export interface NamedPipes {
  readonly listen: ListenLocally;
  /** Ends the thread that waits for all pipes. All listeners must be closed. */
  close(): Promise<void>;
}

/**
 * Named pipes of this Windows host. koffi and the system's libraries are loaded here and not before, so that
 * importing this folder is harmless everywhere.
 * @param users SIDs of users that may connect to every pipe: the one who has installed mobyvm
 */
export async function namedPipes(users: readonly string[] = []): Promise<NamedPipes> {
  const { WindowsPipeSystem } = await import('./pipe/windows-pipe-system.js');
  const system = new WindowsPipeSystem();
  return { listen: listenOnNamedPipes({ system, users }), close: () => system.close() };
}
