import type { ListenLocally } from '../../core/host/index.js';
import type { MachinePlatform, MachinePlatformOptions } from './machine-platform.js';

/**
 * What a running daemon gets from its platform: its endpoints and the parts of its machine. `openDaemonPlatform` chooses;
 * src/daemon/linux and src/daemon/windows have one implementation each.
 */
export interface DaemonPlatform {
  /** Serves the control API and the engine. */
  readonly listen: ListenLocally;
  /** Its members may use the Docker Engine. */
  readonly engineGroup: string;
  readonly machine: (options: MachinePlatformOptions) => MachinePlatform;
  /** Everything that it listens on is closed, and so is the machine. */
  close(): Promise<void>;
}
