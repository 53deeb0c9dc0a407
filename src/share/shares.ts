import {
  ensureSteps,
  Listeners,
  SerialQueue,
  type StateFile,
  statIfPresent,
  type Logger,
  type ManagedResource,
  timeLimit,
} from '../core/host/index.js';
import { MobyvmError, textOf } from '../core/values/index.js';
import type { CredentialStore } from './credential-store.js';
import type { FileServer, FileServerPlace, FileServerProblem } from './file-server.js';
import type { GuestMounts } from './guest-mounts.js';
import { checkShare, type CheckResult } from './share-check.js';
import { ownerOf } from './mount/file-owner.plan.js';
import { findShare, newShare, type ShareRequest } from './new-share.plan.js';
import type { PathRule } from './paths/host-path.plan.js';
import { refuseUnusableFolder } from './refuse-folder.js';
import { MAX_SHARES, type ShareEntry, type ShareFile } from './share-entry.js';
import { changeAccountCommands } from './share-command.plan.js';
import { shareError } from './share-errors.js';
import { shareListFile } from './share-list-file.js';
import { DEFAULT_OWNER, type FileOwner, type Share } from './share.js';
import type { ShareFailure } from './state/share-failure.plan.js';
import { ShareWorker } from './state/share-worker.js';
import type { ShareStatus } from './state/share-state.plan.js';

export interface SharesOptions {
  readonly path: string;
  readonly rule: PathRule;
  readonly server: FileServer;
  readonly guest: GuestMounts;
  readonly credentials: CredentialStore;
  readonly logger: Logger;
  /** How often a healthy share is looked at from the host's side. */
  readonly checkMs: number;
}

/** A share and how it is. */
export interface ListedShare {
  readonly share: Share;
  readonly status: ShareStatus;
}

/** How long a command waits for the share to be mounted, before it says that it is not. */
const SETTLE_MS = 30_000;
/** How long a request of a Docker client waits for a share that is just being mounted. */
const MOUNTING_MS = 1_000;

/**
 * The shares of this instance: the list, the server that offers them, and a worker for each that keeps it mounted.
 *
 * INVARIANT: the file holds the list; what changes the list or the server runs one after the other.
 */
export class Shares {
  readonly #options: SharesOptions;
  readonly #file: StateFile<ShareFile>;
  /** Which says why it does not run, if that is known. */
  readonly #server: FileServer;
  readonly #queue = new SerialQueue();
  readonly #workers = new Map<string, ShareWorker>();
  readonly #changes = new Listeners();
  #entries: readonly ShareEntry[] | undefined;
  #owner: FileOwner = DEFAULT_OWNER;
  /** Where the server listens, once `up` has set it up. */
  #served: FileServerPlace | undefined;
  #isVmUp = false;
  #serverError: unknown;

  constructor(options: SharesOptions) {
    this.#options = options;
    this.#file = shareListFile(options.path);
    const { server } = options;
    this.#server = {
      resources: (place, shares) => server.resources(place, shares),
      unc: (place, share) => server.unc(place, share),
      port: () => server.port(),
      login: (share, signal) => server.login(share, signal),
      close: () => server.close(),
      problemOf: (place, share, signal) => this.#problemOnHost(place, share, signal),
    };
    options.guest.onHealth((id, health) => this.#workers.get(id)?.reported(health));
  }

  /** Empty before `load`. */
  list(): readonly ListedShare[] {
    return [...this.#workers.values()].map(({ share, status }) => ({ share, status }));
  }

  /** Calls back when a share was added, removed, or has another state. */
  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  /** Reads the list, once. @throws MobyvmError MOBYVM_STATE_FILE */
  async load(): Promise<void> {
    if (this.#entries !== undefined) return;
    await this.#queue.run(async () => {
      const entries = (await this.#file.read())?.shares ?? [];
      // Another call was quicker.
      if (this.#workers.size > 0) return;
      this.#entries = entries;
      for (const entry of entries) this.#addWorker(entry);
    }, new AbortController().signal);
  }

  /** As the settings say, for what a share did not choose. Those whose owner changes by it are mounted again. */
  setOwner(settings: FileOwner): void {
    this.#owner = settings;
    for (const worker of this.#workers.values()) {
      const owner = ownerOf(worker.share.chosenOwner, settings);
      if (JSON.stringify(owner) !== JSON.stringify(worker.share.owner))
        worker.change({ ...worker.share, owner });
    }
  }

  /** What the host needs to serve the shares, in the order of `up`. */
  resources(place: FileServerPlace): readonly ManagedResource[] {
    const shares = this.list().map(({ share }) => share);
    return this.#options.server.resources(place, shares).map((resource) => ({
      ...resource,
      // Without shares there is nothing that others could change.
      isRepaired: resource.isRepaired && shares.length > 0,
      ensure: async (context) => {
        this.#served = place;
        const outcome = await this.#queue.run(() => resource.ensure(context), context.signal);
        this.#serverError = undefined;
        return outcome;
      },
      remove: async (context) => {
        this.#served = undefined;
        return this.#queue.run(() => resource.remove(context), context.signal);
      },
    }));
  }

  /** The VM is up: mounts every share. Those of a VM that has them already are only looked at. */
  vmReady(place: FileServerPlace): void {
    this.#served = place;
    this.#isVmUp = true;
    for (const worker of this.#workers.values()) worker.start(place);
  }

  vmLost(): void {
    this.#isVmUp = false;
    for (const worker of this.#workers.values()) worker.stop();
  }

  /** The VM continues after a pause, as when the host has slept: looks at every share now. */
  wake(): void {
    for (const worker of this.#workers.values()) worker.wake();
  }

  /** Resolves when each share is healthy or was given up; after the time limit at the latest. */
  async settled(signal: AbortSignal, withinMs = SETTLE_MS): Promise<void> {
    const within = timeLimit(withinMs, signal);
    // A signal for each: Node.js warns of more than ten listeners on one.
    const all = [...this.#workers.values()].map((each) => each.settled(AbortSignal.any([within])));
    await Promise.allSettled(all);
    signal.throwIfAborted();
  }

  /**
   * Adds a share, and mounts it if the VM is up.
   * @param password of `request.user`
   * @throws MobyvmError MOBYVM_SHARE, MOBYVM_SHARE_SERVER, MOBYVM_SHARE_CREDENTIALS
   */
  async add(request: ShareRequest, password: string | undefined, signal: AbortSignal): Promise<ListedShare> {
    await this.load();
    const worker = await this.#queue.run(async () => {
      const entries = this.#entries ?? [];
      const planned = newShare(request, this.#options.rule, entries);
      if (planned.kind === 'refused') throw shareError(planned.message, planned.remedy);
      if (entries.length >= MAX_SHARES) throw tooManyError();
      const { share } = planned;
      await refuseUnusableFolder(share.hostPath);
      if (share.account.kind === 'user') await this.#keepPassword(share.account.user, password);
      await this.#write([...entries, share]);
      const added = this.#addWorker(share);
      this.#changes.emit();
      await this.#serve(signal);
      return added;
    }, signal);
    return this.#outcomeOf(worker, signal);
  }

  /** Unmounts and forgets it; its password goes with the last share that uses it. @throws MobyvmError MOBYVM_SHARE */
  async remove(name: string, signal: AbortSignal): Promise<Share> {
    await this.load();
    return this.#queue.run(async () => {
      const worker = this.#workerOf(name);
      const { share } = worker;
      await this.#write((this.#entries ?? []).filter(({ id }) => id !== share.id));
      await worker.remove();
      this.#workers.delete(share.id);
      this.#changes.emit();
      const { guest, logger, credentials } = this.#options;
      if (this.#isVmUp) {
        await guest.unmount(share.id, share.points, signal).catch((error: unknown) => {
          logger.warn('share.unmount.failed', { share: share.id, reason: String(error) });
        });
      }
      const user = userOf(share);
      const isUsed = this.list().some((other) => userOf(other.share) === user);
      if (user !== undefined && !isUsed) await credentials.remove(user);
      await this.#serve(signal);
      return share;
    }, signal);
  }

  /** Replaces the password of a share's account. @throws MobyvmError MOBYVM_SHARE for mobyvm's own account */
  async setCredentials(name: string, password: string, signal: AbortSignal): Promise<ListedShare> {
    await this.load();
    const worker = await this.#queue.run(async () => {
      const found = this.#workerOf(name);
      const { share } = found;
      const user = userOf(share);
      if (user === undefined) {
        throw shareError(
          `${share.name} needs no password: it uses mobyvm's own account.`,
          `To use an account of yours: ${changeAccountCommands(share, 'NAME')}`,
        );
      }
      await this.#keepPassword(user, password);
      const changed = [...this.#workers.values()].filter((each) => userOf(each.share) === user);
      await this.#serve(signal);
      for (const each of changed) each.change(each.share);
      return found;
    }, signal);
    return this.#outcomeOf(worker, signal);
  }

  /** Walks through all that the share needs. @throws MobyvmError MOBYVM_SHARE if there is no such share */
  async check(name: string, signal: AbortSignal): Promise<readonly CheckResult[]> {
    await this.load();
    const worker = this.#workerOf(name);
    const { guest } = this.#options;
    const results = await checkShare(
      { server: this.#server, guest, place: this.place, share: worker.share },
      signal,
    );
    worker.wake();
    return results;
  }

  /**
   * Asks host and VM about a share now, within about two seconds.
   * @returns why it does not work; undefined if it does
   */
  async problemOf(id: string, signal: AbortSignal): Promise<ShareFailure | undefined> {
    const worker = this.#workers.get(id);
    const { place } = this;
    if (worker === undefined) return undefined;
    if (place === undefined) return notMountedYet(worker.share);
    let status = await worker.look(place, signal);
    if (status.state === 'mounting') {
      const soon = timeLimit(MOUNTING_MS, signal);
      await worker.settled(soon).catch(() => undefined);
      status = worker.status;
    }
    if (status.state === 'healthy') return undefined;
    return status.failure ?? notMountedYet(worker.share);
  }

  /** Where the shares are served, while the VM is up. */
  get place(): FileServerPlace | undefined {
    return this.#isVmUp ? this.#served : undefined;
  }

  /** Forgets shares and passwords. @returns whether there were any */
  async forget(): Promise<boolean> {
    const { credentials } = this.#options;
    const accounts = await credentials.list();
    for (const account of accounts) await credentials.remove(account);
    const wasThere = accounts.length > 0 || (await statIfPresent(this.#file.path)) !== undefined;
    await this.#file.remove();
    this.vmLost();
    this.#workers.clear();
    this.#entries = undefined;
    return wasThere;
  }

  /** Why the server could not be set up: the reason that its shares show from now on, until it is. */
  serverFailed(error: unknown): void {
    this.#serverError = error;
  }

  async close(): Promise<void> {
    this.vmLost();
    await this.#options.server.close();
  }

  /** Waits for what becomes of it in the VM, if that is up. */
  async #outcomeOf(worker: ShareWorker, signal: AbortSignal): Promise<ListedShare> {
    const { place } = this;
    if (place !== undefined) {
      if (worker.status.state === 'off') worker.start(place);
      else worker.wake();
      const within = timeLimit(SETTLE_MS, signal);
      await worker.settled(within).catch(() => signal.throwIfAborted());
    }
    return { share: worker.share, status: worker.status };
  }

  /** Makes the server offer what the list says now. While `up` has not set it up, the next one will. */
  async #serve(signal: AbortSignal): Promise<void> {
    if (this.#served === undefined) return;
    const shares = this.list().map(({ share }) => share);
    const context = { signal, progress: () => undefined, onFailure: () => undefined };
    try {
      for (const { run } of ensureSteps(this.#options.server.resources(this.#served, shares)))
        await run(context);
      this.#serverError = undefined;
    } catch (error) {
      signal.throwIfAborted();
      this.#options.logger.error('share.server.failed', { reason: textOf(error) });
      this.serverFailed(error);
    }
  }

  async #problemOnHost(
    place: FileServerPlace,
    share: Share,
    signal: AbortSignal,
  ): Promise<FileServerProblem | undefined> {
    const problem = await this.#options.server.problemOf(place, share, signal);
    const error = this.#serverError;
    if (problem?.state !== 'unreachable' || error === undefined) return problem;
    const remedy = error instanceof MobyvmError ? error.remedy : problem.remedy;
    return { ...problem, reason: textOf(error).replace(/\.$/, ''), remedy };
  }

  async #write(shares: readonly ShareEntry[]): Promise<void> {
    await this.#file.write({
      version: 1,
      shares: shares.map((each) => ({ ...each, points: [...each.points] })),
    });
    this.#entries = shares;
  }

  #addWorker(entry: ShareEntry): ShareWorker {
    const { guest, logger, checkMs } = this.#options;
    const share = { ...entry, owner: ownerOf(entry.chosenOwner, this.#owner) };
    const worker = new ShareWorker(share, { server: this.#server, guest, logger, checkMs });
    worker.onChange(() => this.#changes.emit());
    this.#workers.set(entry.id, worker);
    return worker;
  }

  #workerOf(name: string): ShareWorker {
    const share = findShare(
      name,
      this.list().map((each) => each.share),
    );
    const worker = share && this.#workers.get(share.id);
    if (worker === undefined) {
      throw shareError(`There is no share "${name}".`, '`mobyvm share list` shows the shares.');
    }
    return worker;
  }

  async #keepPassword(user: string, password: string | undefined): Promise<void> {
    const { credentials } = this.#options;
    if (password === undefined && (await credentials.read(user)) !== undefined) return;
    if (password === undefined || password === '') throw noPasswordError(user);
    await credentials.write(user, password);
  }
}

function notMountedYet({ name }: Share): ShareFailure {
  return { step: 'mount', reason: `share ${name} is not mounted yet`, remedy: 'Try again in some seconds.' };
}

function userOf({ account }: ShareEntry): string | undefined {
  return account.kind === 'user' ? account.user : undefined;
}

function noPasswordError(user: string): MobyvmError {
  return shareError(
    `The account ${user} needs a password: accounts without one cannot use SMB.`,
    'Pass it with --password-file or on standard input, or leave --user out.',
  );
}

function tooManyError(): MobyvmError {
  return shareError(
    `There are ${MAX_SHARES} shares, which is the limit.`,
    'Share a folder that holds several of them.',
  );
}
