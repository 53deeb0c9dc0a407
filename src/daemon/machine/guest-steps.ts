import {
  sleep,
  waitFor,
  type Requirement,
  type Step,
  type StepContext,
  type StepOutcome,
  timeLimit,
} from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import type { VmDriver } from '../../vm/index.js';
import type { BootWatch } from './boot-watch.js';
import { crashed } from './machine-messages.js';

/** What the start of a guest is waited for with; the machine supplies it. */
export interface GuestView {
  readonly boot: BootWatch;
  /** How the VM ended, once it has ended although it was to run. */
  readonly exit: () => string | undefined;
  readonly driver: Pick<VmDriver, 'features' | 'state'>;
  /** The guest boots; false when its memory was restored, or when it was running before. */
  readonly isFreshBoot: () => boolean;
  /** Why the machine is stalled, while it is. */
  readonly stall: () => MobyvmError | undefined;
  readonly hasLease: () => boolean;
  /** True once the guest's first DHCP message was seen. */
  readonly askedForAddress: () => boolean;
  readonly pingEngine: (signal: AbortSignal) => Promise<void>;
  /** The last thing that `up` needs of the engine; harder to answer than a ping. */
  readonly readVersion: (signal: AbortSignal) => Promise<void>;
  /** Gives the guest its configuration, if it needs one. `giveUp` throws when that is pointless. */
  readonly configure: (signal: AbortSignal, giveUp: () => void) => Promise<StepOutcome>;
  /** Mounts the shares, or gives up those that fail; undefined without shares. */
  readonly mountShares: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly bootTimeoutSeconds: number;
}

/** Whether a start that failed at that step may have failed because of the boot image. */
export function isOfImage(step: string | undefined): boolean {
  return (
    step !== undefined && ['guest-kernel', 'guest-configuration', 'guest-address', 'engine'].includes(step)
  );
}

/** The stages of a guest's start after its processors run, each with its own deadline and its own hint. */
export function guestSteps(guest: GuestView): readonly Step[] {
  const engineAnswers = async (signal: AbortSignal): Promise<boolean> => {
    await guest.pingEngine(signal);
    return true;
  };
  return [
    waiting(guest, 'guest-kernel', 'guest kernel', {
      title: "the first words of the guest's own programs on its console",
      code: 'MOBYVM_GUEST_BOOT',
      hint: 'Look at the console with `mobyvm console`. If it is empty the boot image may be damaged: `mobyvm image build`.',
      // The firmware's and the boot loader's words tell nothing of the kernel.
      check: () => Promise.resolve(!guest.isFreshBoot() || guest.boot.stage !== undefined),
    }),
    watched(guest, {
      id: 'guest-configuration',
      title: 'guest configuration',
      run: ({ signal }) => guest.configure(signal, () => throwIfHopeless(guest)),
    }),
    waiting(guest, 'guest-address', 'guest address', {
      title: 'the guest to take its address',
      code: 'MOBYVM_NO_LEASE',
      hint: 'Look at the console with `mobyvm console` and at the DHCP events with `mobyvm logs`.',
      // An adopted guest took its address from an earlier daemon: then the engine's answer proves it.
      check: async (signal) => guest.hasLease() || (await engineAnswers(timeLimit(2_000, signal))),
    }),
    ...sharesStep(guest),
    waiting(guest, 'engine', 'Docker Engine', {
      title: 'the Docker Engine to answer',
      code: 'MOBYVM_GUEST_BOOT',
      hint: 'Look at the console with `mobyvm console`. On a slow machine raise `vm.bootTimeoutSeconds`.',
      check: async (signal) => {
        await guest.readVersion(signal);
        return true;
      },
    }),
  ];
}

/** Before the engine: it waits in the guest until its shares are mounted or given up. */
function sharesStep(guest: GuestView): readonly Step[] {
  const { mountShares } = guest;
  if (mountShares === undefined) return [];
  return [
    watched(guest, {
      id: 'shares',
      title: 'shares',
      run: async ({ signal }) => {
        await mountShares(signal);
        return guest.isFreshBoot() ? 'create' : 'none';
      },
    }),
  ];
}

function waiting(
  guest: GuestView,
  id: string,
  title: string,
  requirement: Omit<Requirement, 'timeoutSeconds' | 'giveUp'>,
): Step {
  const { bootTimeoutSeconds: timeoutSeconds } = guest;
  return watched(guest, {
    id,
    title,
    async run({ signal }) {
      let checks = 0;
      const giveUp = (): void => {
        throwIfHopeless(guest);
        checks += 1;
      };
      await waitFor({ ...requirement, timeoutSeconds, giveUp }, signal);
      // What held at the first look was there already, unless the guest was quicker than we.
      return guest.isFreshBoot() || checks > 1 ? 'create' : 'none';
    },
  });
}

interface GuestStep {
  readonly id: string;
  readonly title: string;
  readonly run: (context: StepContext) => Promise<StepOutcome>;
}

/** A step that shows the guest's stages while it runs, and whose failure says how far the guest came. */
function watched(guest: GuestView, { id, title, run }: GuestStep): Step {
  return {
    id,
    title,
    async run(context) {
      const { progress } = context;
      const reachedBefore = guest.boot.stage;
      const end = new AbortController();
      let giveUp: (reason: unknown) => void = () => undefined;
      const hopeless = new Promise<never>((_resolve, reject) => {
        giveUp = reject;
      });
      const lost = (reason: MobyvmError): void => {
        giveUp(reason);
        end.abort(reason);
      };
      const timer = setInterval(() => {
        progress(guest.boot.lastLine ?? '');
        const reason = hopelessness(guest);
        if (reason !== undefined) lost(reason);
      }, 500);
      void crashOf(guest, AbortSignal.any([context.signal, end.signal])).then(lost, () => undefined);
      const work = run({ ...context, signal: AbortSignal.any([context.signal, end.signal]) });
      // Its clean-up may wait for a guest that no longer responds, so nothing waits for it.
      work.catch(() => undefined);
      try {
        return await Promise.race([work, hopeless]);
      } catch (error) {
        throw withAccount(guest, error);
      } finally {
        clearInterval(timer);
        end.abort();
        const { stage } = guest.boot;
        progress(stage === undefined || stage === reachedBefore ? '' : `${stage.stage}: ${stage.text}`);
      }
    },
  };
}

const CRASH_LOOK_EVERY_MS = 2_000;
/** A host that is very busy may keep one look waiting, and hardly so many in a row. */
const CRASH_LOOKS = 4;

/** Resolves with the error once the machine was crashed at several looks in a row; rejects with the abort. */
async function crashOf({ driver }: GuestView, signal: AbortSignal): Promise<MobyvmError> {
  for (let looks = 0; looks < CRASH_LOOKS;) {
    await sleep(CRASH_LOOK_EVERY_MS, signal);
    const state = await driver.state(signal).catch(() => undefined);
    looks = state === 'crashed' ? looks + 1 : 0;
  }
  return crashed(driver.features.accelerator);
}

function throwIfHopeless(guest: GuestView): void {
  const reason = hopelessness(guest);
  if (reason !== undefined) throw reason;
}

/** Why waiting any longer is pointless. */
function hopelessness(guest: GuestView): MobyvmError | undefined {
  const exit = guest.exit();
  if (exit !== undefined) {
    return new MobyvmError(
      'MOBYVM_VM_DIED',
      `The VM ended while it was starting: ${exit}`,
      'Read the console log, then run `mobyvm up` again.',
    );
  }
  const stall = guest.stall();
  if (stall !== undefined) return stall;
  const { problem } = guest.boot;
  if (problem === undefined) return undefined;
  return new MobyvmError(
    'MOBYVM_GUEST_BOOT',
    `The guest cannot start: ${problem.stage}: ${problem.text}.`,
    'Fix the problem that the guest reports; `mobyvm explain MOBYVM_GUEST_BOOT` lists the stages.',
  );
}

/** Adds to every failure of these steps how far the guest got. */
function withAccount(guest: GuestView, error: unknown): unknown {
  if (!(error instanceof MobyvmError) || ['MOBYVM_ABORTED', 'MOBYVM_DISK_FULL'].includes(error.code))
    return error;
  const asked =
    error.code === 'MOBYVM_NO_LEASE'
      ? guest.askedForAddress()
        ? ' It asked for an address.'
        : ' It never asked for one.'
      : '';
  return new MobyvmError(
    error.code,
    `${error.message}${asked} ${guest.boot.account()}`,
    `${error.remedy} Console log: ${guest.boot.logPath}`,
    {
      cause: error,
      details: {
        ...error.details,
        ...(guest.boot.stage === undefined ? {} : { stage: guest.boot.stage.stage }),
      },
    },
  );
}
