import type { FanotifyWatcherOptions } from './linux/fanotify-watcher.js';
import type { HostWatcher } from './host-watcher.js';

/**
 * The watcher for Linux. Its code binds system calls when it is loaded, so that other platforms must not.
 * @throws MobyvmError MOBYVM_SHARE if the kernel or the rights do not allow it
 */
export async function watchByFanotify(options: FanotifyWatcherOptions): Promise<HostWatcher> {
  const { FanotifyWatcher } = await import('./linux/fanotify-watcher.js');
  return new FanotifyWatcher(options);
}
