import type { FileProtection, ProcessTable } from '../core/host/index.js';
import type { InstancePaths } from '../protocol/paths.js';
import type { HostPlatform, Rights } from '../protocol/platform.js';
import type { CredentialStore } from '../share/index.js';
import type { BackgroundStart } from './host-side/background-start.js';
import type { LockPlace } from './process-lock.js';
import type { ProcessEnd } from './process-end.js';
import type { Supervisor } from './supervisor.js';

/** What the daemon's side gets from its process and its platform; made once in main.ts. */
export interface DaemonContext {
  readonly paths: InstancePaths;
  readonly platform: HostPlatform;
  readonly rights: Rights;
  readonly processes: ProcessTable;
  /** @param path of a file that names the holder */
  readonly lockAt: (path: string) => LockPlace;
  readonly files: FileProtection;
  /** Passwords of shares. @param path of the file for them, where they are in a file */
  readonly credentialsAt: (path: string) => Promise<CredentialStore>;
  readonly background: BackgroundStart;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How to start this program again: the interpreter and the entry file. */
  readonly self: readonly [program: string, entry: string];
  readonly commandLine: string;
  readonly pid: number;
  /** Aborted by the first request to stop. */
  readonly interrupted: AbortSignal;
  readonly processEnd: ProcessEnd;
  /** Undefined if nobody watches over it, as when a person has started it. */
  readonly supervisor?: Supervisor;
  readonly printError: (line: string) => void;
  /** The folder of the installed package: docs, guest recipes, scripts. */
  readonly packageDir: string;
}

export interface DaemonOptions {
  readonly namespace: string | undefined;
  readonly startsMachine: boolean;
  /** Started by another command: errors are printed as JSON for it, and a daemon with nothing to do ends. */
  readonly isBackground: boolean;
  /** Started by `startInNamespace`: it is inside already. */
  readonly isInside: boolean;
}

/** The folders that must be there before anything is written. @throws MobyvmError as {@link FileProtection} does */
export async function makeInstanceFolders({
  files,
  paths,
}: Pick<DaemonContext, 'files' | 'paths'>): Promise<void> {
  await files.folder(paths.stateDir, 'state');
  await files.folder(paths.runDir, 'run');
  await files.folder(paths.logDir, 'log');
}

/** Whose process is the daemon of this instance. Whoever writes the ledger holds it. */
export function daemonLock({ paths, lockAt }: Pick<DaemonContext, 'paths' | 'lockAt'>): LockPlace {
  return lockAt(paths.lockFile);
}

/**
 * Options of Node.js for a daemon: it keeps little for long, and what it forwards is not on V8's heap. With V8's own limit
 * (16 MiB) the space for young objects takes 5 to 25 MB more.
 */
export const DAEMON_HEAP = ['--max-semi-space-size=4'] as const;
