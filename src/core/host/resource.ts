import type { Change } from '../values/index.js';

/**
 * One thing that the daemon sets up on this machine: a bridge, an address, a rule, a disk, a VM.
 * `doctor` is observe and plan printed; `uninstall` is remove in reverse.
 */
export interface Resource<Wanted, Found> {
  /** Stable and kebab-case: the key in progress events, logs and the dashboard. */
  readonly id: string;
  /** What a person reads while it is worked on, for example "bridge mobyvm0". */
  readonly title: string;
  /** Reads the world; never changes it. `undefined` means absent. */
  observe(context: StepContext): Promise<Found | undefined>;
  /** Pure: what must change to get from `found` to `wanted`. */
  plan(found: Found | undefined, wanted: Wanted): Change;
  /** Brings about `wanted`. Safe to repeat. Registers an undo right after each effect that it has. */
  ensure(wanted: Wanted, found: Found | undefined, context: EnsureContext): Promise<void>;
  /** Takes it away. Absent already is success; what is not ours is left alone. */
  remove(context: StepContext): Promise<void>;
}

export type Undo = () => Promise<void>;

export interface StepContext {
  readonly signal: AbortSignal;
  /** Tells whoever watches what the step is doing right now, for example the guest's last console line. */
  readonly progress: (detail: string) => void;
}

export interface EnsureContext extends StepContext {
  /** Runs only if this setup fails later, in reverse order of registration. */
  readonly onFailure: (undo: Undo) => void;
}
