import type { DaemonContext } from './daemon-context.js';
import type { DaemonPlatform } from './host-side/daemon-platform.js';
import { linuxDaemon } from './linux/linux-daemon.js';
import { windowsDaemon } from './windows/windows-daemon.js';

/** The only choice between the platforms of a daemon. */
export function openDaemonPlatform(context: DaemonContext): Promise<DaemonPlatform> {
  switch (context.platform) {
    case 'linux':
      return Promise.resolve(linuxDaemon);
    case 'windows':
      return windowsDaemon(context);
  }
}
