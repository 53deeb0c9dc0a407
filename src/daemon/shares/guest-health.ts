import { timeLimit, type Logger } from '../../core/host/index.js';
import { CodecError } from '../../core/values/index.js';
import {
  decodeHealthLine,
  encodeProbeLine,
  guestShareError,
  MAX_PROBE_NUMBER,
  type GuestLink,
  type MountHealth,
} from '../../share/index.js';

type HealthListener = (id: string, health: MountHealth) => void;

interface Probe {
  readonly id: string;
  readonly answer: (health: MountHealth) => void;
  readonly fail: (reason: Error) => void;
}

/** The guest answers within a second; more is a guest that hangs, or a link that is lost. */
const ANSWER_MS = 3_000;
/** More than the guest may mount; beyond it something is wrong with the guest. */
const MAX_PROBES = 256;

/** What the guest's program `share-link` reports. There is at most one link; a later one replaces it. */
export class GuestHealth {
  readonly #logger: Logger;
  readonly #listeners = new Set<HealthListener>();
  readonly #probes = new Map<number, Probe>();
  #link: GuestLink | undefined;
  #number = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** For each link of the purpose `share-health` that the link server hands out. */
  attach(link: GuestLink): void {
    this.#link = link;
    this.#failAll('The VM has opened another connection.');
    link.onLine((line) => {
      if (this.#link === link) this.#take(line, link);
    });
    link.onClose(() => {
      if (this.#link !== link) return;
      this.#link = undefined;
      this.#failAll('The VM has closed its connection.');
    });
  }

  onHealth(listener: HealthListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws MobyvmError MOBYVM_SHARE_GUEST */
  async probe(id: string, signal: AbortSignal): Promise<MountHealth> {
    signal.throwIfAborted();
    const link = this.#link;
    if (link === undefined) throw guestShareError('The VM is not connected to report on its shares.');
    if (this.#probes.size >= MAX_PROBES)
      throw guestShareError('The VM does not answer questions about its shares.');
    this.#number = (this.#number % MAX_PROBE_NUMBER) + 1;
    const number = this.#number;
    const within = timeLimit(ANSWER_MS, signal);
    try {
      return await new Promise<MountHealth>((answer, fail) => {
        this.#probes.set(number, { id, answer, fail });
        within.addEventListener('abort', () => fail(unansweredError(id)), { once: true });
        link.send(encodeProbeLine({ number, id }));
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      this.#probes.delete(number);
    }
  }

  #take(line: string, link: GuestLink): void {
    try {
      const report = decodeHealthLine(line);
      if (report.kind === 'health') {
        for (const listener of [...this.#listeners]) listener(report.id, report.health);
        return;
      }
      const probe = this.#probes.get(report.number);
      if (probe?.id === report.id) probe.answer(report.health);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#logger.warn('share.link.malformed', { problem: error.problem });
      link.close();
    }
  }

  #failAll(reason: string): void {
    for (const probe of this.#probes.values()) probe.fail(guestShareError(reason));
  }
}

function unansweredError(id: string): Error {
  return guestShareError(`The VM did not say within ${ANSWER_MS / 1_000} s whether ${id} is mounted.`);
}
