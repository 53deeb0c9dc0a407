import type { GuestEvent } from './event-line.codec.js';

/** Operations in the order in which they are raised. */
const ORDER = ['c', 'm', 'a', 'w', 'd'];
/** Both kinds of watchers look again: those of the folder's entry, and those of the folder. */
const RESCAN = 'ma';

interface Change {
  readonly path: string;
  isFolder: boolean;
  readonly operations: Set<string>;
}

type Pending = Change | Extract<GuestEvent, { to: string }>;

/**
 * The events that wait to be sent to one share, in order.
 *
 * INVARIANTS
 * - Changes of one file are one event, as long as no deletion or move comes between them.
 * - There are at most `limit` events. Beyond it, all of them become one rescan per folder.
 */
export class EventQueue {
  readonly #limit: number;
  #pending: Pending[] = [];
  /** The events that later changes of the same path are merged with. */
  readonly #open = new Map<string, Change>();

  /** @param limit at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#pending.length;
  }

  /** @param event its operations may be several */
  push(event: GuestEvent): void {
    if ('to' in event) this.#move(event);
    else for (const operation of event.operations) this.#change(event.path, operation, event.isFolder);
    if (this.#pending.length > this.#limit) this.#collapse();
  }

  /** Anything at and below the path may have changed. */
  rescan(path: string, isFolder: boolean): void {
    this.push({ path, isFolder, operations: RESCAN });
  }

  /** The next events, which are then no longer in the queue. */
  take(count: number): GuestEvent[] {
    const taken = this.#pending.splice(0, count);
    for (const event of taken)
      if ('operations' in event && this.#open.get(event.path) === event) this.#open.delete(event.path);
    return taken.map((event) =>
      'to' in event
        ? event
        : { path: event.path, isFolder: event.isFolder, operations: inOrder(event.operations) },
    );
  }

  clear(): void {
    this.#pending = [];
    this.#open.clear();
  }

  #change(path: string, operation: string, isFolder: boolean): void {
    const open = this.#open.get(path);
    if (operation === 'd') {
      if (isFolder) this.#open.clear();
      this.#open.delete(path);
      this.#pending.push({ path, isFolder, operations: new Set('d') });
      return;
    }
    if (open !== undefined && operation !== 'c') {
      open.operations.add(operation);
      return;
    }
    const change: Change = { path, isFolder, operations: new Set(operation) };
    this.#pending.push(change);
    this.#open.set(path, change);
  }

  #move(event: Extract<GuestEvent, { to: string }>): void {
    if (event.isFolder) this.#open.clear();
    this.#open.delete(event.path);
    this.#open.delete(event.to);
    this.#pending.push(event);
  }

  #collapse(): void {
    let folders = new Set<string>();
    for (const event of this.#pending) {
      folders.add(parentOf(event.path));
      if ('to' in event) folders.add(parentOf(event.to));
    }
    // Ever fewer folders, nearer to the root, until they fit.
    while (folders.size > Math.max(1, this.#limit / 4)) folders = new Set([...folders].map(parentOf));
    this.clear();
    for (const path of folders) this.rescan(path, true);
  }
}

function inOrder(operations: ReadonlySet<string>): string {
  return ORDER.filter((operation) => operations.has(operation)).join('');
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}
