import type { EnsureContext, Undo } from '../../../src/core/host/index.js';
import { waitFor } from '../../../src/core/host/index.js';
import type { VmDriver, VmSpec, VmState } from '../../../src/vm/index.js';

/** A driver under test with the machine's environment. Disposing it leaves nothing behind. */
export interface VmHarness extends AsyncDisposable {
  readonly driver: VmDriver;
  readonly spec: VmSpec;
  /** Another driver object for the same machine, as a later daemon has it. The harness closes it. */
  another(): VmDriver;
  /** Kills the machine's process, like `kill -9`. */
  crash(): Promise<void>;
  /** Makes the machine's process hang, so that it no longer answers. */
  freeze(): Promise<void>;
  /** The data disk's size; undefined if there is none. */
  diskGiB(): Promise<number | undefined>;
  /** Returns once the guest reacts to the power button. */
  untilGuestListens(signal: AbortSignal): Promise<void>;
  /** Processes and files of the machine, except the data disk. */
  traces(): Promise<readonly string[]>;
}

/** A context that records what is reported to it. */
export interface RecordingContext extends EnsureContext {
  readonly progressed: readonly string[];
  /** Runs the registered undos, last first, as a failed setup does. */
  undoAll(): Promise<void>;
}

export function recordingContext(signal: AbortSignal = new AbortController().signal): RecordingContext {
  const undos: Undo[] = [];
  const progressed: string[] = [];
  return {
    signal,
    progressed,
    progress: (detail) => void progressed.push(detail),
    onFailure: (undo) => void undos.push(undo),
    async undoAll() {
      for (const undo of undos.splice(0).reverse()) await undo();
    },
  };
}

export async function untilState(driver: VmDriver, wanted: VmState, timeoutSeconds = 15): Promise<void> {
  const requirement = {
    title: `the state ${wanted}`,
    check: async (signal: AbortSignal) => (await driver.state(signal)) === wanted,
    timeoutSeconds,
    hint: 'See the console log.',
    everyMs: 20,
  };
  await waitFor(requirement, new AbortController().signal);
}

/** Waits until a condition of the test holds. */
export async function until(
  title: string,
  check: () => boolean | Promise<boolean>,
  timeoutSeconds = 15,
): Promise<void> {
  const requirement = {
    title,
    check: () => Promise.resolve(check()),
    timeoutSeconds,
    hint: 'See the console log.',
    everyMs: 20,
  };
  await waitFor(requirement, new AbortController().signal);
}
