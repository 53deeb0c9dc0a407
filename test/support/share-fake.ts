import type { ManagedResource } from '../../src/core/host/index.js';
import type { MachineShares } from '../../src/daemon/shares/machine-shares.js';
import { silentLogger } from '../../src/core/host/index.js';
import { parseIpv4 } from '../../src/core/values/index.js';
import { Shares } from '../../src/share/index.js';
import type {
  CredentialStore,
  FileServer,
  FileServerProblem,
  GuestMounts,
  LinkServer,
  MountHealth,
  MountOrder,
  MountOutcome,
  Share,
} from '../../src/share/index.js';

/** A machine without shares. */
export const NO_SHARES: MachineShares = {
  prepare: () => Promise.resolve(),
  ids: () => [],
  vmReady: () => undefined,
  settled: () => Promise.resolve([]),
  engineReady: () => undefined,
  wake: () => undefined,
  vmLost: () => undefined,
  describe: () => Promise.resolve({ shares: [], heldContainers: [] }),
};

/** Stands in for the server for the guest's links where its address does not exist. */
export const NO_LINKS = (): Promise<LinkServer> =>
  Promise.resolve({ port: 2373, dropAll: () => undefined, close: () => Promise.resolve() });

export class FakeCredentials implements CredentialStore {
  readonly passwords = new Map<string, string>();

  read(account: string): Promise<string | undefined> {
    return Promise.resolve(this.passwords.get(account));
  }

  write(account: string, password: string): Promise<void> {
    this.passwords.set(account, password);
    return Promise.resolve();
  }

  remove(account: string): Promise<void> {
    this.passwords.delete(account);
    return Promise.resolve();
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.passwords.keys()].sort());
  }

  setAsideIfUnreadable(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

/** A file server and a guest in one memory: what the guest can mount is what the server offers. */
export class FakeShareWorld implements FileServer, GuestMounts {
  /** Ids that the server offers. */
  served: readonly string[] = [];
  readonly mounted = new Map<string, MountOrder>();
  /** What the next look at the host's side finds, by id. */
  readonly problems = new Map<string, FileServerProblem>();
  /** What a mount ends with instead of success, by id. */
  readonly outcomes = new Map<string, MountOutcome>();
  /** What a probe finds instead of `mounted`, by id. */
  readonly health = new Map<string, MountHealth>();
  /** What a mount of these waits for before it tells its outcome. */
  readonly gates = new Map<string, Promise<void>>();
  /** Mounts of these never end. */
  readonly stuck = new Set<string>();
  /** Looks and probes of these last until they are aborted. */
  readonly silent = new Set<string>();
  /** Why the server cannot be set up. */
  serverError: Error | undefined;
  mounts = 0;
  readonly #listeners = new Set<(id: string, health: MountHealth) => void>();

  constructor(readonly credentials: CredentialStore = new FakeCredentials()) {}

  resources(_place: unknown, shares: readonly Share[]): readonly ManagedResource[] {
    const ids = shares.map(({ id }) => id);
    return [
      {
        id: 'share-server',
        title: 'file server',
        lifetime: 'machine',
        isRepaired: true,
        plan: () => Promise.resolve({ kind: ids.join() === this.served.join() ? 'none' : 'create' }),
        ensure: () => {
          if (this.serverError !== undefined) return Promise.reject(this.serverError);
          const isSame = ids.join() === this.served.join();
          this.served = ids;
          return Promise.resolve(isSame ? 'none' : 'update');
        },
        remove: () => {
          const wasServed = this.served.length > 0;
          this.served = [];
          return Promise.resolve(wasServed ? 'remove' : 'none');
        },
      },
    ];
  }

  unc({ hostAddress }: { readonly hostAddress: string }, { id }: Share): string {
    return `//${hostAddress}/${id}`;
  }

  port(): Promise<number> {
    return Promise.resolve(445);
  }

  async login({ account }: Share) {
    const user = account.kind === 'user' ? account.user : 'mobyvm';
    return { user, domain: '', password: (await this.credentials.read(user)) ?? 'generated' };
  }

  problemOf(_place: unknown, { id }: Share, signal: AbortSignal): Promise<FileServerProblem | undefined> {
    if (this.silent.has(id)) return untilAborted(signal);
    return Promise.resolve(this.problems.get(id));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  mount(order: MountOrder, signal: AbortSignal): Promise<MountOutcome> {
    this.mounts += 1;
    if (this.stuck.has(order.id)) {
      return untilAborted(signal);
    }
    const outcome = this.outcomes.get(order.id) ?? { ok: true };
    if (outcome.ok) this.mounted.set(order.id, order);
    return (this.gates.get(order.id) ?? Promise.resolve()).then(() => outcome);
  }

  unmount(id: string): Promise<void> {
    this.mounted.delete(id);
    return Promise.resolve();
  }

  probe(id: string, signal: AbortSignal): Promise<MountHealth> {
    if (this.silent.has(id)) return untilAborted(signal);
    if (!this.mounted.has(id)) return Promise.resolve({ kind: 'absent' });
    return Promise.resolve(this.health.get(id) ?? { kind: 'mounted' });
  }

  onHealth(listener: (id: string, health: MountHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What the guest reports by itself. */
  report(id: string, health: MountHealth): void {
    for (const listener of this.#listeners) listener(id, health);
  }
}

export const PLACE = { hostAddress: parseIpv4('10.0.75.1'), vmAddress: parseIpv4('10.0.75.2') };

/** Shares of a world, with their list in that file; by default one that cannot be written. */
export function sharesOf(world: FakeShareWorld, path = '/dev/null/shares.json'): Shares {
  return new Shares({
    path,
    rule: 'linux',
    server: world,
    guest: world,
    credentials: world.credentials,
    logger: silentLogger,
    checkMs: 50,
  });
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
