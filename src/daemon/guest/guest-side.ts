import type { Step, StepOutcome } from '../../core/host/index.js';
import type { Settings } from '../settings/schema.js';

/** What the guest's system says of itself. */
export interface GuestFacts {
  /** For example `Debian GNU/Linux 13`; empty when the guest does not say. */
  readonly os: string;
  /** For example `6.12.107+deb13-cloud-amd64`. */
  readonly kernel: string;
  /** IPv4 addresses of its interfaces, those of container bridges included. */
  readonly addresses: readonly string[];
}

export interface GuestConfiguring {
  readonly settings: Settings;
  /** For the whole of it, the wait for the guest's agent included. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
  /** Throws when waiting longer is pointless. */
  readonly giveUp: () => void;
  /** Resolves when the engine answers: then the guest has its configuration already. */
  readonly pingEngine: (signal: AbortSignal) => Promise<void>;
  /** False for a guest that was running or saved before this start: it may have been configured then. */
  readonly isFreshBoot: boolean;
}

/** What passes between daemon and guest besides the engine's own API. */
export interface GuestSide {
  /** Keys and token: must be there before the VM starts. */
  prepareStep(): Step;
  /**
   * Gives the guest its configuration, unless it has it.
   * @throws MobyvmError MOBYVM_GUEST_CONFIGURATION, MOBYVM_KVP_NOT_READY, MOBYVM_KVP_FAILED
   */
  configure(configuring: GuestConfiguring): Promise<StepOutcome>;
  /** The guest is up: learn its facts, and keep its items. Never throws. */
  follow(): void;
  /** The guest is gone, or about to go. */
  unfollow(): void;
  readonly facts: GuestFacts | undefined;
}
