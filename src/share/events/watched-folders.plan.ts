import type { GuestEvent } from './event-line.codec.js';
import type { HostChange, WatchedFolder } from './host-watcher.js';

/** A file or folder of a share that a running container binds. */
export interface WatchedBind {
  /** The share's id. */
  readonly share: string;
  /** In the VM, below the share's mount point. */
  readonly guestPath: string;
  /** On the host, without symbolic links. */
  readonly hostPath: string;
  readonly isFolder: boolean;
}

export interface ShareEvent {
  readonly share: string;
  readonly event: GuestEvent;
}

const OPERATIONS = { created: 'c', deleted: 'd', modified: 'm', attributes: 'a', written: 'w' } as const;
const RESCAN = 'ma';

/** The binds without those that another one of the same share covers. */
export function mergeBinds(binds: readonly WatchedBind[]): readonly WatchedBind[] {
  const merged: WatchedBind[] = [];
  const sorted = [...binds].sort((a, b) => a.guestPath.length - b.guestPath.length);
  for (const bind of sorted) {
    const isCovered = merged.some(
      (other) =>
        other.share === bind.share && guestPathIn(other, bind.hostPath, separatorOf(bind)) === bind.guestPath,
    );
    if (!isCovered) merged.push(bind);
  }
  return merged;
}

/** What has to be watched on the host for these binds: no folder contains another. */
export function foldersOf(binds: readonly WatchedBind[]): readonly WatchedFolder[] {
  const folders: string[] = [];
  const whole = binds
    .filter(({ isFolder }) => isFolder)
    .sort((a, b) => a.hostPath.length - b.hostPath.length);
  const isWatched = (path: string, separator: string): boolean =>
    folders.some((folder) => isAtOrBelow(path, folder, separator));
  for (const bind of whole) if (!isWatched(bind.hostPath, separatorOf(bind))) folders.push(bind.hostPath);
  const files = new Map<string, Set<string>>();
  for (const bind of binds.filter(({ isFolder }) => !isFolder)) {
    const separator = separatorOf(bind);
    if (isWatched(bind.hostPath, separator)) continue;
    const cut = bind.hostPath.lastIndexOf(separator);
    const folder = cut === 0 ? separator : bind.hostPath.slice(0, cut);
    const names = files.get(folder) ?? new Set();
    files.set(folder, names.add(bind.hostPath.slice(cut + 1)));
  }
  return [
    ...folders.map((path) => ({ path })),
    ...[...files].map(([path, names]) => ({ path, only: [...names].sort() })),
  ];
}

/**
 * Makes the VM look again at newly bound files: they may have changed before they were watched, and the VM looks
 * them up when a container binds them and never again by itself.
 */
export function filesToCompare(
  before: readonly WatchedBind[],
  after: readonly WatchedBind[],
): readonly HostChange[] {
  const known = new Set(before.map(({ guestPath }) => guestPath));
  return after
    .filter(({ guestPath, isFolder }) => !isFolder && !known.has(guestPath))
    .map(({ hostPath }) => ({ kind: 'attributes', path: hostPath, isFolder: false }));
}

/** What the guest has to raise for a change of the host, for these merged binds. */
export function eventsOf(change: HostChange, binds: readonly WatchedBind[]): readonly ShareEvent[] {
  const events: ShareEvent[] = [];
  for (const share of new Set(binds.map((bind) => bind.share))) {
    const own = binds.filter((bind) => bind.share === share);
    for (const event of eventsOfShare(change, own)) events.push({ share, event });
  }
  return events;
}

function eventsOfShare(change: HostChange, binds: readonly WatchedBind[]): readonly GuestEvent[] {
  if (change.kind === 'rescan') return rescansOf(change.path, binds);
  const { isFolder } = change;
  const paths = pathsIn(binds, change.path);
  if (change.kind !== 'moved')
    return paths.map((path) => ({ path, isFolder, operations: OPERATIONS[change.kind] }));
  const targets = pathsIn(binds, change.to);
  const [from] = paths;
  const [to] = targets;
  if (from !== undefined && to !== undefined) return [{ path: from, isFolder, to }];
  return [
    ...paths.map((path) => ({ path, isFolder, operations: 'd' })),
    // A file that replaces a bound one: its content is new as well.
    ...targets.map((path) => ({ path, isFolder, operations: isFolder ? 'c' : 'cmw' })),
  ];
}

/** Each bind at or below the path, or the path in the bind above it. */
function rescansOf(path: string, binds: readonly WatchedBind[]): readonly GuestEvent[] {
  const inside = pathsIn(binds, path).map((found) => ({ path: found, isFolder: true, operations: RESCAN }));
  const below = binds
    .filter((bind) => bind.hostPath !== path && isAtOrBelow(bind.hostPath, path, separatorOf(bind)))
    .map(({ guestPath, isFolder }) => ({ path: guestPath, isFolder, operations: RESCAN }));
  return [...inside, ...below];
}

/** The path in the VM, once for each name that it has there. */
function pathsIn(binds: readonly WatchedBind[], hostPath: string): readonly string[] {
  const paths = new Set<string>();
  for (const bind of binds) {
    const path = guestPathIn(bind, hostPath, separatorOf(bind));
    if (path !== undefined) paths.add(path);
  }
  return [...paths];
}

function guestPathIn(bind: WatchedBind, hostPath: string, separator: string): string | undefined {
  if (hostPath === bind.hostPath) return bind.guestPath;
  if (!bind.isFolder || !isAtOrBelow(hostPath, bind.hostPath, separator)) return undefined;
  const rest = hostPath.slice(
    bind.hostPath.endsWith(separator) ? bind.hostPath.length : bind.hostPath.length + 1,
  );
  const base = bind.guestPath === '/' ? '' : bind.guestPath;
  return `${base}/${rest.split(separator).join('/')}`;
}

function isAtOrBelow(path: string, folder: string, separator: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(separator) ? folder : `${folder}${separator}`);
}

/** The host's paths say themselves of which platform they are. */
function separatorOf({ hostPath }: WatchedBind): string {
  return hostPath.startsWith('/') ? '/' : '\\';
}
