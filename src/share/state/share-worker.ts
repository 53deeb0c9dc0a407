import { Listeners, sleep, timeLimit, type Logger } from '../../core/host/index.js';
import { isAbort, isTimeout, MobyvmError, textOf } from '../../core/values/index.js';
import type { FileServer, FileServerPlace, FileServerProblem } from '../file-server.js';
import type { GuestMounts, MountHealth } from '../guest-mounts.js';
import { mountOrder } from '../mount/mount-order.js';
import type { Share } from '../share.js';
import {
  isSettled,
  nextShareStatus,
  retryAfterMs,
  SHARE_OFF,
  type ShareEvent,
  type ShareStatus,
} from './share-state.plan.js';

export interface ShareWorkerOptions {
  readonly server: FileServer;
  readonly guest: GuestMounts;
  readonly logger: Logger;
  /** How often a healthy share is looked at from the host's side. */
  readonly checkMs: number;
}

/** A mount in the guest has deadlines of its own for each step; this is for a guest that is silent. */
const ATTEMPT_MS = 60_000;
const PROBE_MS = 1_200;
/**
 * Linux says it of a mount that cannot connect again, even if only the login is refused: an order to mount tells.
 * include/uapi/asm-generic/errno.h.
 */
const EHOSTDOWN = 112;
/** A host that is slower says nothing, and the guest's answer decides. */
const LOOK_MS = 1_200;

/**
 * Keeps one share mounted in the VM, and knows its state.
 *
 * INVARIANT: there is at most one attempt at a time; the status changes only through `nextShareStatus`.
 */
export class ShareWorker {
  readonly #options: ShareWorkerOptions;
  readonly #changes = new Listeners<ShareStatus>();
  #share: Share;
  #status: ShareStatus = SHARE_OFF;
  #life: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();
  #wakeUp: () => void = () => undefined;
  #isAwake = false;
  /** The last mount succeeded, and the guest has not said that it is gone. */
  #isMounted = false;
  /** The guest knows the share's mount points. */
  #isOccupied = false;

  constructor(share: Share, options: ShareWorkerOptions) {
    this.#share = share;
    this.#options = options;
  }

  get share(): Share {
    return this.#share;
  }

  get status(): ShareStatus {
    return this.#status;
  }

  onChange(listener: (status: ShareStatus) => void): () => void {
    return this.#changes.add(listener);
  }

  /** The VM is up: mounts the share, and keeps it mounted until `stop`. */
  start(place: FileServerPlace): void {
    this.stop();
    const life = new AbortController();
    this.#life = life;
    this.#isMounted = false;
    this.#isOccupied = false;
    this.#apply({ kind: 'vm-ready' });
    this.#running = this.#run(place, life.signal).catch((error: unknown) => {
      if (!life.signal.aborted) this.#options.logger.error('share.worker.failed', { reason: textOf(error) });
    });
  }

  /** The VM is gone, or about to go; nothing is unmounted. */
  stop(): void {
    this.#life?.abort(new MobyvmError('MOBYVM_ABORTED', 'The VM is going down.', ''));
    this.#life = undefined;
    this.#apply({ kind: 'vm-lost' });
  }

  /** It is no longer in the list. Resolves when nothing is attempted any more. */
  async remove(): Promise<void> {
    this.#life?.abort(new MobyvmError('MOBYVM_ABORTED', 'The share was removed.', ''));
    this.#life = undefined;
    this.#apply({ kind: 'removed' });
    await this.#running;
  }

  /** It, or the password of its account, was changed. */
  change(share: Share): void {
    // Another object even if only the password is another one: what an attempt with the old one finds does not count.
    this.#share = { ...share };
    this.#isMounted = false;
    this.#apply({ kind: 'changed' });
    this.wake();
  }

  /** Ends a pause between attempts: something may have changed. */
  wake(): void {
    this.#isAwake = true;
    this.#wakeUp();
  }

  /** What the guest reports by itself. */
  reported(health: MountHealth): void {
    const isNews = (health.kind === 'mounted') !== (this.#status.state === 'healthy');
    if (!isNews || this.#life === undefined) return;
    // A login that was refused is right again only after another mount.
    if (health.kind !== 'mounted') this.#apply({ kind: 'health', health });
    this.wake();
  }

  /** Asks host and VM now, within about a second. */
  async look(place: FileServerPlace, signal: AbortSignal): Promise<ShareStatus> {
    if (this.#status.state === 'healthy') {
      await this.#examine(place, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        this.#failed(error);
      });
    }
    const { status } = this;
    if (status.state !== 'healthy') this.wake();
    return status;
  }

  /** Resolves once the share is healthy or given up. */
  async settled(signal: AbortSignal): Promise<void> {
    if (isSettled(this.#status)) return;
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        unsubscribe();
        signal.removeEventListener('abort', aborted);
      };
      const aborted = (): void => {
        done();
        reject(signal.reason as Error);
      };
      const unsubscribe = this.#changes.add((status) => {
        if (!isSettled(status)) return;
        done();
        resolve();
      });
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  async #run(place: FileServerPlace, life: AbortSignal): Promise<void> {
    while (!life.aborted) {
      this.#isAwake = false;
      try {
        await this.#attempt(place, timeLimit(ATTEMPT_MS, life));
      } catch (error) {
        // Of a life that is over: another may have begun.
        if (this.#life?.signal !== life) return;
        this.#failed(error);
      }
      await this.#pause(life);
    }
  }

  async #attempt(place: FileServerPlace, signal: AbortSignal): Promise<void> {
    // A mount whose server was away works again by itself.
    if (this.#isMounted) {
      const health = await this.#examine(place, signal);
      const isCutOff = health?.kind === 'broken' && health.errno === EHOSTDOWN;
      if (!isCutOff && ['healthy', 'unreachable', 'refused'].includes(this.#status.state)) return;
    }
    const share = this.#share;
    const { server, guest } = this.#options;
    const problem = await server.problemOf(place, share, signal);
    signal.throwIfAborted();
    if (problem !== undefined) {
      this.#apply({ kind: 'host-problem', problem });
      return this.#occupy(share, signal);
    }
    const outcome = await guest.mount(await mountOrder(server, place, share, signal), signal);
    signal.throwIfAborted();
    if (share !== this.#share) {
      this.wake();
      return;
    }
    this.#isMounted = outcome.ok;
    this.#isOccupied = true;
    this.#apply({ kind: 'mount-ended', outcome });
    if (!outcome.ok) return;
    const health = await guest.probe(share.id, signal);
    signal.throwIfAborted();
    this.#apply({ kind: 'health', health });
  }

  /** The guest makes the mount points, where nothing can be created, and no longer waits for the share. */
  async #occupy({ id, points }: Share, signal: AbortSignal): Promise<void> {
    if (this.#isOccupied) return;
    await this.#options.guest.unmount(id, points, signal);
    this.#isOccupied = true;
  }

  /**
   * Both sides at once; what the host says is more exact.
   * @returns what the VM found, if that counted
   */
  async #examine(place: FileServerPlace, signal: AbortSignal): Promise<MountHealth | undefined> {
    const { server } = this.#options;
    const share = this.#share;
    const asked = timeLimit(LOOK_MS, signal);
    const [problem, health] = await Promise.all([
      server.problemOf(place, share, asked).catch((error: unknown) => lookFailed(share, error)),
      this.#probe(share.id, signal),
    ]);
    signal.throwIfAborted();
    if (share !== this.#share) return undefined;
    if (health.kind === 'absent') this.#isMounted = false;
    if (problem !== undefined) {
      this.#apply({ kind: 'host-problem', problem });
      return undefined;
    }
    this.#apply({ kind: 'health', health });
    return health;
  }

  async #probe(id: string, signal: AbortSignal): Promise<MountHealth> {
    const inTime = timeLimit(PROBE_MS, signal);
    try {
      return await this.#options.guest.probe(id, inTime);
    } catch (error) {
      signal.throwIfAborted();
      // The guest waits for a server that is silent.
      if (inTime.aborted) return { kind: 'broken', errno: 0 };
      throw error;
    }
  }

  #failed(error: unknown): void {
    if (error instanceof MobyvmError && error.code === 'MOBYVM_SHARE_CREDENTIALS') {
      const problem = {
        state: 'needs-credentials',
        reason: error.message.replace(/\.$/, ''),
        remedy: error.remedy,
      } as const;
      return this.#apply({ kind: 'host-problem', problem });
    }
    const reason = isAbort(error) || isTimeout(error) ? 'it took too long' : textOf(error).replace(/\.$/, '');
    this.#apply({ kind: 'vm-silent', reason });
  }

  async #pause(life: AbortSignal): Promise<void> {
    if (this.#isAwake || life.aborted) return;
    const { state } = this.#status;
    const ms = state === 'healthy' ? this.#options.checkMs : retryAfterMs(this.#status);
    const nap = new AbortController();
    this.#wakeUp = () => nap.abort();
    await sleep(ms, AbortSignal.any([life, nap.signal])).catch(() => undefined);
    this.#wakeUp = () => undefined;
  }

  #apply(event: ShareEvent): void {
    const before = this.#status;
    const after = nextShareStatus(before, event, this.#share.name);
    this.#status = after;
    const isSame = before.state === after.state && before.failure?.reason === after.failure?.reason;
    if (!isSame) {
      const { id } = this.#share;
      this.#options.logger[after.failure === undefined ? 'info' : 'warn']('share.state.changed', {
        share: id,
        from: before.state,
        to: after.state,
        ...(after.failure === undefined ? {} : { step: after.failure.step, reason: after.failure.reason }),
      });
    }
    if (!isSame || before.failures !== after.failures) this.#changes.emit(after);
  }
}

function lookFailed({ name }: Share, error: unknown): FileServerProblem | undefined {
  // An aborted look says nothing about the share.
  if (isAbort(error) || isTimeout(error)) return undefined;
  return {
    state: 'unreachable',
    reason: `the file server for ${name} cannot be examined: ${textOf(error)}`,
    remedy: 'See `mobyvm logs`.',
  };
}
