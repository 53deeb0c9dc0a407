export type { CredentialStore } from './credential-store.js';
export { EventSender, type EventMechanism } from './events/event-sender.js';
export type {
  HostChange,
  HostWatcher,
  HostWatcherOptions,
  WatchedFolder,
  WatchProblem,
} from './events/host-watcher.js';
export { watchByFanotify } from './events/watch-by-fanotify.js';
export { foldersOf, mergeBinds, type WatchedBind } from './events/watched-folders.plan.js';
export type { FileServer, FileServerPlace, FileServerProblem, SmbLogin } from './file-server.js';
export type { GuestMounts, MountHealth, MountOrder, MountOutcome, MountStep } from './guest-mounts.js';
export { LINK_PURPOSES, type GuestLink, type LinkPurpose } from './link/guest-link.js';
export { GUEST_LINK_PORT, startLinkServer, type LinkServer } from './link/link-server.js';
export { hostPaths, type HostPaths, type ReadBind } from './paths/host-paths.js';
export type { HostPath, PathRule } from './paths/host-path.plan.js';
export { DEFAULT_OWNER, type FileOwner, type Share, type ShareAccount } from './share.js';
export { credentialsError, guestShareError, shareError } from './share-errors.js';
