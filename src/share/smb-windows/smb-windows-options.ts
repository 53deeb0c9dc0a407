import type { Ledger, Logger } from '../../core/host/index.js';
import type { PowerShell } from '../../powershell/index.js';
import type { CredentialStore } from '../credential-store.js';

export interface SmbWindowsOptions {
  readonly powerShell: PowerShell;
  readonly credentials: CredentialStore;
  readonly ledger: Ledger;
  readonly logger: Logger;
  /** Marks what belongs to this machine. */
  readonly machineId: string;
  /** What is at a path of the host; by default the file system says. */
  readonly folderState?: (path: string) => Promise<FolderState>;
}

export type FolderState = 'folder' | 'missing' | 'not a folder' | 'unreadable';
