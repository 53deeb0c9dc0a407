import { z } from 'zod';
import type { Logger } from '../../core/host/index.js';
import { CodecError } from '../../core/values/index.js';
import type { GuestLink } from '../link/guest-link.js';
import { encodeEventLine, type GuestEvent } from './event-line.codec.js';
import { EventQueue } from './event-queue.js';
import type { HostChange } from './host-watcher.js';
import { eventsOf, type WatchedBind } from './watched-folders.plan.js';

/** How the guest raises events: exactly, by its kernel module, or by a stand-in. */
export type EventMechanism = 'module' | 'touch';

/** Events of a share that the guest has not answered, WINDOW in guest/share-events/share-events.c. */
const WINDOW = 256;
/** Beyond it, events become rescans of their folders. */
const MAX_PENDING = 4_000;
/** Changes of one file in this time become one event. */
const GATHER_MS = 15;

const guestLine = z.union([
  z.strictObject({ mechanism: z.enum(['module', 'touch']) }),
  z.strictObject({
    share: z.string().max(64),
    done: z.int().min(1).max(WINDOW),
    failed: z.int().min(0).max(WINDOW).optional(),
    errno: z.int().min(0).max(4_096).optional(),
  }),
]);

interface ShareState {
  readonly queue: EventQueue;
  unanswered: number;
}

/**
 * Sends the host's changes to the guest, each share by its own queue: a share that does not answer in the guest delays no
 * other, and what waits for it stays bounded.
 */
export class EventSender {
  readonly #logger: Logger;
  readonly #shares = new Map<string, ShareState>();
  #binds: readonly WatchedBind[] = [];
  #link: GuestLink | undefined;
  #mechanism: EventMechanism | undefined;
  #isStarted = false;
  /** Events may have been lost with an earlier link. */
  #isIncomplete = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Undefined while the guest is not connected, or nothing was watched yet. */
  get mechanism(): EventMechanism | undefined {
    return this.#mechanism;
  }

  /** Takes the place of an earlier link. */
  attach(link: GuestLink): void {
    this.#link?.close();
    this.#link = link;
    this.#isStarted = false;
    for (const share of this.#shares.values()) {
      if (share.unanswered > 0) this.#isIncomplete = true;
      share.unanswered = 0;
    }
    link.onLine((line) => this.#answered(link, line));
    link.onClose(() => this.#lost(link));
    this.#start();
  }

  /** @param binds merged */
  setBinds(binds: readonly WatchedBind[]): void {
    this.#binds = binds;
    const used = new Set(binds.map(({ share }) => share));
    for (const [id, share] of this.#shares) if (!used.has(id)) share.queue.clear();
    this.#start();
  }

  send(changes: readonly HostChange[]): void {
    for (const change of changes)
      for (const { share, event } of eventsOf(change, this.#binds)) this.#shareOf(share).queue.push(event);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** Changes were not seen for a while: anything that is bound may have changed. */
  rescan(): void {
    for (const { share, guestPath, isFolder } of this.#binds)
      this.#shareOf(share).queue.rescan(guestPath, isFolder);
    this.#flush();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#link?.close();
    this.#link = undefined;
  }

  #shareOf(id: string): ShareState {
    const known = this.#shares.get(id) ?? { queue: new EventQueue(MAX_PENDING), unanswered: 0 };
    this.#shares.set(id, known);
    return known;
  }

  /** The guest loads its module only when there is something to watch. */
  #start(): void {
    if (this.#link === undefined || this.#isStarted || this.#binds.length === 0) return;
    this.#isStarted = true;
    this.#link.send('start');
  }

  #answered(link: GuestLink, line: string): void {
    if (link !== this.#link) return;
    const read = guestLine.safeParse(jsonOrUndefined(line));
    if (!read.success) {
      this.#logger.warn('share.events.refused', { reason: 'the guest sent a line that is not understood' });
      return link.close();
    }
    if ('mechanism' in read.data) return this.#ready(read.data.mechanism);
    const { share: id, done, failed, errno } = read.data;
    if (failed !== undefined) this.#logger.debug('share.events.failed', { share: id, failed, errno });
    const share = this.#shares.get(id);
    if (share === undefined) return;
    share.unanswered = Math.max(0, share.unanswered - done);
    if (this.#timer === undefined) this.#flush();
  }

  #ready(mechanism: EventMechanism): void {
    this.#mechanism = mechanism;
    this.#logger.info('share.events.ready', { mechanism });
    const isIncomplete = this.#isIncomplete;
    this.#isIncomplete = false;
    if (isIncomplete) this.rescan();
    else this.#flush();
  }

  #lost(link: GuestLink): void {
    if (link !== this.#link) return;
    this.#link = undefined;
    this.#mechanism = undefined;
    for (const { unanswered } of this.#shares.values()) if (unanswered > 0) this.#isIncomplete = true;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const link = this.#link;
    if (link === undefined || this.#mechanism === undefined) return;
    for (const [id, share] of this.#shares)
      for (const event of share.queue.take(WINDOW - share.unanswered)) this.#sendEvent(link, id, event);
  }

  #sendEvent(link: GuestLink, id: string, event: GuestEvent): void {
    try {
      link.send(encodeEventLine({ share: id, event }));
      this.#shareOf(id).unanswered += 1;
    } catch (error) {
      // A path that the guest cannot have, such as one of more than 4,095 bytes.
      if (!(error instanceof CodecError)) throw error;
      this.#logger.debug('share.events.skipped', { share: id, reason: error.message });
    }
  }
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
