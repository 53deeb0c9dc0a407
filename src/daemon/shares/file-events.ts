import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, relative, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { timeLimit, type Logger } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import { followContainers, type ContainerList, type Dial } from '../../proxy/index.js';
import {
  EventSender,
  filesToCompare,
  foldersOf,
  mergeBinds,
  type EventMechanism,
  type GuestLink,
  type HostWatcher,
  type HostWatcherOptions,
  type Share,
  type WatchedBind,
  type WatchProblem,
} from '../../share/index.js';
import { bindSources, type BindSource } from './bind-sources.plan.js';

export interface FileEventsOptions {
  /** The platform's watcher. */
  readonly watcher: (options: HostWatcherOptions) => Promise<HostWatcher>;
  /** To the engine in the VM; fails while there is none. */
  readonly dial: Dial;
  /** The engine's running containers. */
  readonly containers: (signal: AbortSignal) => Promise<ContainerList>;
  readonly shares: () => readonly Share[];
  readonly logger: Logger;
}

export interface FileEventsStatus {
  /** Undefined while the guest is not connected, or no running container binds a share. */
  readonly mechanism: EventMechanism | undefined;
  /** Files and folders that running containers bind. */
  readonly watched: number;
  readonly problems: readonly WatchProblem[];
}

/** Reports what changes on the host, in what running containers bind, as file events in the VM. */
export interface FileEvents {
  /** The guest's program has connected, with the purpose `share-events`. */
  onLink(link: GuestLink): void;
  /** Looks at shares and containers again. It does so itself when a container starts or ends. */
  refresh(): Promise<void>;
  status(): FileEventsStatus;
  close(): Promise<void>;
}

const ASK_ENGINE_MS = 5_000;
const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8_000;
const REFRESH_RETRY_MS = 3_000;
const WATCHER_RETRY_MS = 30_000;

/** Resolves at once: the host is watched as soon as a container needs it. */
export function startFileEvents(options: FileEventsOptions): FileEvents {
  return new RunningFileEvents(options);
}

class RunningFileEvents implements FileEvents {
  readonly #options: FileEventsOptions;
  readonly #sender: EventSender;
  readonly #end = new AbortController();
  readonly #following: Promise<void>;
  #watcher: HostWatcher | undefined;
  #watcherFailure: { readonly problem: WatchProblem; readonly atMs: number } | undefined;
  #watched: readonly WatchedBind[] = [];
  #count = 0;
  #problems: readonly WatchProblem[] = [];
  #refreshing: Promise<void> | undefined;
  #isStale = false;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: FileEventsOptions) {
    this.#options = options;
    this.#sender = new EventSender(options.logger);
    this.#following = this.#follow();
  }

  onLink(link: GuestLink): void {
    this.#sender.attach(link);
    void this.refresh();
  }

  async refresh(): Promise<void> {
    this.#isStale = true;
    this.#refreshing ??= this.#refreshUntilFresh().finally(() => (this.#refreshing = undefined));
    await this.#refreshing;
  }

  status(): FileEventsStatus {
    const { mechanism } = this.#sender;
    const failure = this.#watcherFailure?.problem;
    return {
      mechanism: this.#count === 0 ? undefined : mechanism,
      watched: this.#count,
      problems: failure === undefined ? this.#problems : [failure],
    };
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#sender.close();
    await Promise.all([this.#following, this.#refreshing]);
    clearTimeout(this.#retry);
    await this.#watcher?.close();
    this.#watcher = undefined;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#end;
    const { dial } = this.#options;
    let retryMs = SHORTEST_RETRY_MS;
    while (!signal.aborted) {
      const onChange = (): void => {
        retryMs = SHORTEST_RETRY_MS;
        void this.refresh();
      };
      try {
        await followContainers({ dial, onChange, signal });
      } catch (error) {
        this.#options.logger.debug('share.events.engine', { reason: textOf(error) });
      }
      await delay(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  }

  async #refreshUntilFresh(): Promise<void> {
    while (this.#isStale && !this.#end.signal.aborted) {
      this.#isStale = false;
      try {
        await this.#watchWhatIsBound();
      } catch (error) {
        this.#options.logger.debug('share.events.unrefreshed', { reason: textOf(error) });
        this.#refreshIn(REFRESH_RETRY_MS);
      }
    }
  }

  #refreshIn(ms: number): void {
    clearTimeout(this.#retry);
    if (!this.#end.signal.aborted) this.#retry = setTimeout(() => void this.refresh(), ms);
  }

  async #watchWhatIsBound(): Promise<void> {
    const { containers, shares } = this.#options;
    const list = await containers(timeLimit(ASK_ENGINE_MS, this.#end.signal));
    const found = await Promise.all(bindSources(list, shares()).map(lookAt));
    const binds = mergeBinds(found.filter((bind) => bind !== undefined));
    if (JSON.stringify(binds) === JSON.stringify(this.#watched)) return;
    const wasBlind = this.#watcherFailure !== undefined;
    const watcher = binds.length === 0 ? this.#watcher : await this.#startedWatcher();
    if (watcher === undefined) return;
    // First the wider set: no change of a bind that is kept gets lost.
    this.#sender.setBinds(binds);
    this.#problems = await watcher.watch(foldersOf(binds));
    const before = this.#watched;
    this.#watched = binds;
    this.#count = binds.length;
    if (wasBlind) this.#sender.rescan();
    else this.#sender.send(filesToCompare(before, binds));
    for (const { path, reason, remedy } of this.#problems)
      this.#options.logger.warn('share.events.unwatched', { path, reason, remedy });
    this.#options.logger.debug('share.events.watching', { count: binds.length });
  }

  async #startedWatcher(): Promise<HostWatcher | undefined> {
    if (this.#watcher !== undefined) return this.#watcher;
    const now = performance.now();
    if (this.#watcherFailure !== undefined && now - this.#watcherFailure.atMs < WATCHER_RETRY_MS)
      return undefined;
    try {
      this.#watcher = await this.#options.watcher({
        onChanges: (changes) => this.#sender.send(changes),
        onFailure: (reason) => this.#watcherFailed(reason),
      });
      this.#watcherFailure = undefined;
    } catch (error) {
      this.#watcherFailed(textOf(error));
    }
    return this.#watcher;
  }

  #watcherFailed(reason: string): void {
    this.#watcher = undefined;
    this.#watched = [];
    this.#watcherFailure = {
      problem: { path: '/', reason, remedy: 'File events need Linux 5.17 or newer on the host, and root.' },
      atMs: performance.now(),
    };
    this.#options.logger.warn('share.events.failed', { reason });
    this.#refreshIn(WATCHER_RETRY_MS + 1);
  }
}

/**
 * A link is watched where it leads. Undefined if it is gone, or leads out of the share: the file server does not follow it
 * then, and the VM must not learn what happens there.
 */
async function lookAt({ share, guestPath, hostPath, root }: BindSource): Promise<WatchedBind | undefined> {
  try {
    const real = await realpath(hostPath);
    const below = relative(await realpath(root), real);
    if (isAbsolute(below) || below.split(sep)[0] === '..') return undefined;
    const found = await stat(real);
    return { share, guestPath, hostPath: real, isFolder: found.isDirectory() };
  } catch {
    return undefined;
  }
}
