import type { Logger } from '../../core/host/index.js';
import type { CredentialStore } from '../credential-store.js';

export interface SambaOptions {
  /** Samba's folders go below it: gone after a reboot. */
  readonly runDir: string;
  /** `samba.log` and the one before it. */
  readonly logDir: string;
  readonly credentials: CredentialStore;
  readonly logger: Logger;
  /** Who has a TCP port, for the log: "nginx (pid 7)". */
  readonly portOwner?: (address: string, port: number) => Promise<string | undefined>;
  /** Programs with their first arguments; by default as PATH finds them. */
  readonly programs?: SambaPrograms;
}

export interface SambaPrograms {
  readonly smbd: readonly [string, ...string[]];
  readonly smbcontrol: readonly [string, ...string[]];
}

export const SAMBA_PROGRAMS: SambaPrograms = { smbd: ['smbd'], smbcontrol: ['smbcontrol'] };

/** Where our server listens: the port that clients expect, or ours if another server has that one. */
export const SMB_PORTS = [445, 2372] as const;
