import type { Step, StepOutcome } from '../../core/host/index.js';
import type { DiskUse, TimeAnswer } from '../../kvp/index.js';
import type { Settings } from '../settings/schema.js';
import type { ClockOccasion } from './clock.plan.js';

/** What the guest reports about its system. */
export interface GuestFacts {
  /** For example `Debian GNU/Linux 13`; empty when the guest does not say. */
  readonly os: string;
  /** For example `6.12.107+deb13-cloud-amd64`. */
  readonly kernel: string;
  /** IPv4 addresses of its interfaces, those of container bridges included. */
  readonly addresses: readonly string[];
  /** How full its data disk is; absent until it reports that. */
  readonly disk?: DiskUse;
}

export interface GuestConfiguring {
  readonly settings: Settings;
  /** For everything together, the wait for the guest's agent included. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Throws when waiting longer is pointless. */
  readonly giveUp: () => void;
  /** Resolves when the engine answers: the guest then has its configuration. */
  readonly pingEngine: (signal: AbortSignal) => Promise<void>;
  /** Ids of the shares that the guest's engine is to wait for. */
  readonly shares: readonly string[];
  /** False for a guest that was running or saved before this start: it may have been configured then. */
  readonly isFreshBoot: boolean;
}

/** What daemon and guest exchange besides the engine's API. */
export interface GuestSide {
  /** Keys and token: must be there before the VM starts. */
  prepareStep(): Step;
  /**
   * Gives the guest its configuration, unless it has it.
   * @throws MobyvmError MOBYVM_GUEST_CONFIGURATION, MOBYVM_KVP_NOT_READY, MOBYVM_KVP_FAILED
   */
  configure(configuring: GuestConfiguring): Promise<StepOutcome>;
  /** The guest is up, or has been resumed: read its facts and keep its items. Never throws. */
  follow(): void;
  /**
   * Sets the guest's clock to the host's if that is due (clock.plan.ts). Called after each start, restore and resume, and at
   * each health check with the engine's offset, while the guest is followed. Bounded to 20 s; does nothing while another call
   * is in progress. Never throws.
   * @returns what the guest did; undefined if nothing was due, or if it failed (which is logged)
   */
  syncClock(occasion: ClockOccasion, signal: AbortSignal): Promise<TimeAnswer | undefined>;
  /**
   * Has the guest write to its disk what it holds in its memory, before it is saved. Bounded to 30 s. Never throws: a failure
   * is logged, and nothing is lost as long as the saved memory can be used.
   */
  flushDisk(signal: AbortSignal): Promise<void>;
  /** The guest is gone, or about to go. */
  unfollow(): void;
  readonly facts: GuestFacts | undefined;
  /** A digest of what guest and host know each other by; empty before the first `prepareStep`. */
  readonly credentialsDigest: string;
}
