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
export { watchOnWindows } from './events/watch-on-windows.js';
export { filesToCompare, foldersOf, mergeBinds, type WatchedBind } from './events/watched-folders.plan.js';
export { fileCredentials } from './credentials/file-credentials.js';
export { windowsCredentials } from './credentials/windows-credentials.js';
export { checkPassword } from './credentials/passwords.js';
export { fileServerOnDemand } from './file-server-on-demand.js';
export type { FileServer, FileServerPlace, FileServerProblem, SmbLogin } from './file-server.js';
export type { GuestMounts, MountHealth, MountOrder, MountOutcome, MountStep } from './guest-mounts.js';
export { LINK_PURPOSES, type GuestLink, type LinkPurpose } from './link/guest-link.js';
export {
  decodeHealthLine,
  encodeHealthLine,
  encodeProbeLine,
  MAX_PROBE_NUMBER,
} from './link/health-line.codec.js';
export { GUEST_LINK_PORT, startLinkServer, type LinkServer } from './link/link-server.js';
export type { ShareRequest } from './new-share.plan.js';
export type { HostPath, PathRule } from './paths/host-path.plan.js';
export { hostPaths, type HostPaths, type ReadBind } from './paths/host-paths.js';
export { PRIVATE_ACCOUNT } from './private-account.js';
export { sambaPidFile } from './samba/samba-paths.js';
export { sambaFileServer } from './samba/samba-file-server.js';
export { SMB_PORTS, type SambaOptions, type SambaPrograms } from './samba/samba-options.js';
export type { CheckResult, CheckStep } from './share-check.js';
export { credentialsError, guestShareError, shareError } from './share-errors.js';
export { shareListFile } from './share-list-file.js';
export { shareAt, spelledAsPoint } from './share-lookup.plan.js';
export { DEFAULT_OWNER, type FileOwner, type OwnerChoice, type Share, type ShareAccount } from './share.js';
export { Shares, type ListedShare, type SharesOptions } from './shares.js';
export type { ShareFailure } from './state/share-failure.plan.js';
export type { ShareState, ShareStatus } from './state/share-state.plan.js';
export { isPathOfVm } from './vm-paths.plan.js';
export { smbWindowsFileServer } from './smb-windows/smb-windows-file-server.js';
export type { FolderState, SmbWindowsOptions } from './smb-windows/smb-windows-options.js';
