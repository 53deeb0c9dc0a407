import type { FileEventsStatus } from './file-events.js';
import type { Settings } from '../settings/schema.js';

/** A share as `mobyvm status` shows it. */
export interface ShareDescription {
  readonly name: string;
  readonly hostPath: string;
  readonly isReadOnly: boolean;
  /** See ShareState. */
  readonly state: string;
  /** Why it is not healthy, a sentence without its full stop; and what the user can do. */
  readonly reason?: string;
  readonly remedy?: string;
}

export interface SharesDescription {
  readonly shares: readonly ShareDescription[];
  /** Containers that wait for a share before they are started. */
  readonly heldContainers: readonly string[];
  /** Absent while the engine is not ready, or if file events are switched off. */
  readonly fileEvents?: FileEventsStatus;
}

/** What the machine does with shares; the daemon's `ShareServices` implements it. */
export interface MachineShares {
  /** Reads the list. @throws MobyvmError MOBYVM_STATE_FILE */
  prepare(settings: Settings): Promise<void>;
  /** Ids of the shares that a guest which boots is to wait for. */
  ids(): readonly string[];
  /** The guest has its address: its shares are mounted from now on. */
  vmReady(): void;
  /** Resolves when each share is mounted or was given up. @returns a sentence for each that was given up */
  settled(signal: AbortSignal): Promise<readonly string[]>;
  /** The engine answers: containers that waited for a share which works now are started. */
  engineReady(): void;
  /** The host has slept: each share is looked at now. */
  wake(): void;
  /** The VM is gone, or about to go. */
  vmLost(): void;
  /** Asks the engine for containers that wait, if a share does not work. */
  describe(): Promise<SharesDescription>;
}
