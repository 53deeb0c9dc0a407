import { createHash } from 'node:crypto';
import { sleep, timeLimit, type Logger, type Step, type StepOutcome } from '../../core/host/index.js';
import { isAbort, MobyvmError, textOf } from '../../core/values/index.js';
import {
  applyConfiguration,
  flushGuestDisk,
  removeLeftRequests,
  type KvpExchange,
  type TimeAnswer,
} from '../../kvp/index.js';
import type { TlsCredentials } from '../../proxy/index.js';
import type { MachineCertificates } from '../certificates/index.js';
import type { ClockOccasion } from './clock.plan.js';
import { GuestClock } from './guest-clock.js';
import { GuestDisk } from './guest-disk.js';
import { guestFactsOf } from './guest-facts.plan.js';
import type { GuestConfiguring, GuestFacts, GuestSide } from './guest-side.js';
import type { MachineToken } from './token.js';

export interface KvpGuestOptions {
  readonly exchange: KvpExchange;
  readonly loadCertificates: () => Promise<MachineCertificates>;
  readonly loadToken: () => Promise<MachineToken>;
  readonly hostName: string;
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** A guest that ran or was saved before is asked this long whether it needs a configuration at all; 5,000 if absent. */
  readonly answersWithinMs?: number;
}

const CLEAN_UP_MS = 60_000;
const FACTS_MS = 30_000;
const FLUSH_SECONDS = 30;

/**
 * The guest over the key-value exchange.
 *
 * INVARIANT: `#certificates` and `#token` are what the running guest was given, or will be at its next boot.
 */
export class KvpGuest implements GuestSide {
  readonly #options: KvpGuestOptions;
  readonly #clock: GuestClock;
  readonly #disk: GuestDisk;
  #certificates: MachineCertificates | undefined;
  #token: MachineToken | undefined;
  #following = new AbortController();
  #isFollowed = false;
  #facts: GuestFacts | undefined;
  /** A daemon that was killed during a configuration has left it in the guest's pool. */
  #mayHaveLeftovers = false;

  constructor(options: KvpGuestOptions) {
    this.#options = options;
    this.#clock = new GuestClock(options);
    this.#disk = new GuestDisk(options);
  }

  get facts(): GuestFacts | undefined {
    const { use } = this.#disk;
    return this.#facts && (use === undefined ? this.#facts : { ...this.#facts, disk: use });
  }

  /** What the guest identifies itself with, once it is known. */
  get token(): MachineToken | undefined {
    return this.#token;
  }

  /** For connections to the engine. @throws MobyvmError MOBYVM_ENGINE_UNREACHABLE before the first start */
  get credentials(): TlsCredentials {
    if (this.#certificates === undefined) throw noCertificatesError();
    const { ca, client } = this.#certificates;
    return { ca, cert: client.cert, key: client.key };
  }

  get credentialsDigest(): string {
    if (this.#certificates === undefined || this.#token === undefined) return '';
    const { ca, server, client } = this.#certificates;
    const parts = [ca, server.cert, client.cert, this.#token];
    return createHash('sha256').update(parts.join('\0')).digest('hex');
  }

  prepareStep(): Step {
    return {
      id: 'certificates',
      title: 'keys and certificates',
      run: async () => {
        this.#certificates = await this.#options.loadCertificates();
        this.#token = await this.#options.loadToken();
        return this.#certificates.changed ? 'create' : 'none';
      },
    };
  }

  async configure(configuring: GuestConfiguring): Promise<StepOutcome> {
    if (
      !configuring.isFreshBoot &&
      (await answersSoon(configuring, this.#options.answersWithinMs ?? 5_000))
    ) {
      if (this.#isFollowed) void this.#removeLeftovers(this.#following.signal);
      else this.#mayHaveLeftovers = true;
      return 'none';
    }
    if (this.#certificates === undefined || this.#token === undefined) throw noCertificatesError();
    const { ca, server } = this.#certificates;
    const { exchange, hostName, nowMs, logger } = this.#options;
    const { signal, timeoutSeconds, giveUp, settings, shares } = configuring;
    const daemonJson = settings.engine.daemonJson;
    const { stopTimeoutSeconds: stopSeconds, swapMiB } = settings.vm;
    await applyConfiguration(
      exchange,
      {
        token: this.#token,
        caCertificate: ca,
        serverCertificate: server.cert,
        serverKey: server.key,
        hostName,
        shares,
        ...(stopSeconds === 0 ? {} : { stopSeconds }),
        ...(swapMiB === 0 ? {} : { swapMiB }),
        ...(Object.keys(daemonJson).length === 0 ? {} : { daemonJson: JSON.stringify(daemonJson) }),
      },
      { signal, logger, nowMs, timeoutSeconds, giveUp },
    );
    return 'update';
  }

  follow(): void {
    this.unfollow();
    this.#following = new AbortController();
    this.#isFollowed = true;
    const { signal } = this.#following;
    const { exchange } = this.#options;
    // Nobody waits for it: with hundreds of items it takes a while.
    if (this.#mayHaveLeftovers) void this.#removeLeftovers(signal);
    this.#mayHaveLeftovers = false;
    void this.#learnFacts(signal);
    void this.#disk.follow(signal);
    void exchange.keepItems?.(signal).catch((error: unknown) => {
      if (!isAbort(error) && !signal.aborted)
        this.#options.logger.warn('kvp.items.unkept', { reason: textOf(error) });
    });
  }

  syncClock(occasion: ClockOccasion, signal: AbortSignal): Promise<TimeAnswer | undefined> {
    return this.#clock.sync(occasion, AbortSignal.any([signal, this.#following.signal]));
  }

  async flushDisk(signal: AbortSignal): Promise<void> {
    const { exchange, logger } = this.#options;
    try {
      // The wait for the agent and that for its answer together.
      const within = timeLimit(FLUSH_SECONDS * 1_000, signal);
      await flushGuestDisk(exchange, { timeoutSeconds: FLUSH_SECONDS, signal: within, logger });
    } catch (error) {
      if (!signal.aborted) logger.warn('guest.disk.unflushed', { reason: textOf(error) });
    }
  }

  unfollow(): void {
    this.#clock.reset();
    this.#disk.reset();
    this.#facts = undefined;
    this.#isFollowed = false;
    this.#following.abort();
  }

  async #removeLeftovers(signal: AbortSignal): Promise<void> {
    const { exchange, logger } = this.#options;
    try {
      const within = timeLimit(CLEAN_UP_MS, signal);
      const removed = await removeLeftRequests(exchange, within);
      if (removed > 0) logger.warn('kvp.requests.removed', { items: removed });
    } catch (error) {
      if (!signal.aborted) logger.warn('kvp.requests.unremoved', { reason: textOf(error) });
    }
  }

  async #learnFacts(signal: AbortSignal): Promise<void> {
    try {
      const within = timeLimit(FACTS_MS, signal);
      const facts = guestFactsOf((await this.#options.exchange.list('intrinsic', within)).items);
      if (!signal.aborted) this.#facts = facts;
    } catch (error) {
      if (!signal.aborted) this.#options.logger.warn('kvp.facts.unread', { reason: textOf(error) });
    }
  }
}

async function answersSoon(
  { pingEngine, giveUp, signal }: GuestConfiguring,
  withinMs: number,
): Promise<boolean> {
  const within = timeLimit(withinMs, signal);
  while (!within.aborted) {
    giveUp();
    try {
      await pingEngine(within);
      return true;
    } catch {
      await sleep(100, within).catch(() => undefined);
    }
  }
  signal.throwIfAborted();
  return false;
}

function noCertificatesError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    'The engine cannot be reached before the VM has been started.',
    'Start it with `mobyvm up`.',
  );
}
