import { statSync } from 'node:fs';
import { folderFollower } from '../../windows/index.js';
import type { HostWatcher, HostWatcherOptions } from './host-watcher.js';
import { WindowsWatcher } from './windows/windows-watcher.js';

/** The watcher for Windows. */
export async function watchOnWindows(options: HostWatcherOptions): Promise<HostWatcher> {
  const follower = await folderFollower();
  return new WindowsWatcher({ ...options, follower, isFolder });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    // Gone with a folder above it, or not for us to see.
    return false;
  }
}
