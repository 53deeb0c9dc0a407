import type { Change } from '../values/index.js';

/**
 * Something that the daemon sets up on this machine: a bridge, an address, a rule, a disk, a VM. `doctor`
 * prints observe and plan; `uninstall` calls remove in reverse order.
 */
export interface Resource<Wanted, Found> {
  /** Stable kebab-case key, used in progress events, logs and the dashboard. */
  readonly id: string;
  /** Shown to the user while it is set up or removed, for example "bridge mobyvm0". */
  readonly title: string;
  /** Reads the current state and changes nothing. `undefined` means absent. */
  observe(context: StepContext): Promise<Found | undefined>;
  /** Pure: what must change to get from `found` to `wanted`. */
  plan(found: Found | undefined, wanted: Wanted): Change;
  /** Establishes `wanted`. Idempotent. Registers an undo right after each change it makes. */
  ensure(wanted: Wanted, found: Found | undefined, context: EnsureContext): Promise<void>;
  /**
   * Removes it. Succeeds if it is already absent; never touches anything mobyvm did not create.
   * @returns `none` if there was nothing of mobyvm
   */
  remove(context: StepContext): Promise<RemoveOutcome>;
}

export type RemoveOutcome = 'remove' | 'none';

export type Undo = () => Promise<void>;

export interface StepContext {
  readonly signal: AbortSignal;
  /** Reports what the step is doing right now, for example the guest's last console line. */
  readonly progress: (detail: string) => void;
}

export interface EnsureContext extends StepContext {
  /** Registers an undo that runs only if a later step fails, in reverse order of registration. */
  readonly onFailure: (undo: Undo) => void;
}
