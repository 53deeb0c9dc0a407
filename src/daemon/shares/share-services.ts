import { timeLimit, type Logger, type ManagedResource } from '../../core/host/index.js';
import { textOf } from '../../core/values/index.js';
import {
  GUEST_LINK_PORT,
  Shares,
  startLinkServer,
  type CredentialStore,
  type FileServer,
  type FileServerPlace,
  type GuestLink,
  type GuestMounts,
  type LinkServer,
  type PathRule,
  type Share,
} from '../../share/index.js';
import type { HostService } from '../host-side/host-network.js';
import { ServerSlot } from '../server-slot.js';
import type { Settings } from '../settings/schema.js';
import type { FileEvents } from './file-events.js';
import type { HeldContainers } from './held-containers.js';
import { fileOwner } from '../settings/share-settings.js';
import type { MachineShares, SharesDescription } from './machine-shares.js';

/** The VM's side of mounts, and where the links that report about it come in. */
export interface LinkedMounts extends GuestMounts {
  attach(link: GuestLink): void;
}

export interface ShareServicesOptions {
  readonly rule: PathRule;
  readonly sharesFile: string;
  readonly fileServer: FileServer;
  /** TCP ports of the host's address at which the file server may listen. */
  readonly fileServerPorts: readonly number[];
  readonly mounts: LinkedMounts;
  readonly held: Pick<HeldContainers, 'list' | 'start'>;
  readonly credentials: CredentialStore;
  /** The secret that the guest's links carry. */
  readonly token: () => string | undefined;
  /** Called with whether a link carried it. */
  readonly onToken?: (isRight: boolean) => void;
  /** How often a healthy share is looked at from the host's side. */
  readonly checkMs: number;
  readonly startLinks?: typeof startLinkServer;
  /** Absent where the host cannot be watched. */
  readonly startFileEvents?: ((shares: () => readonly Share[]) => FileEvents) | undefined;
  readonly logger: Logger;
}

const ASK_ENGINE_MS = 2_000;

/** Everything about shares that this process runs: the list, the file server, the server for the guest's links. */
export class ShareServices implements MachineShares {
  readonly shares: Shares;
  readonly #options: ShareServicesOptions;
  readonly #links = new ServerSlot<LinkServer>('share-links', 'server for the links of shares');
  #place: FileServerPlace | undefined;
  /** Aborted when the VM is lost; undefined until its engine answers. */
  #engine: AbortController | undefined;
  /** Shares that worked when they were looked at last. */
  #healthy: ReadonlySet<string> = new Set();
  #hasFileEvents = true;
  #fileEvents: FileEvents | undefined;
  #eventLink: GuestLink | undefined;

  constructor(options: ShareServicesOptions) {
    this.#options = options;
    const { rule, sharesFile, fileServer, mounts, credentials, logger, checkMs } = options;
    this.shares = new Shares({
      path: sharesFile,
      rule,
      server: fileServer,
      guest: mounts,
      credentials,
      logger,
      checkMs,
    });
    this.shares.onChange(() => this.#startHeld());
    this.shares.onChange(() => void this.#fileEvents?.refresh());
  }

  async prepare(settings: Settings): Promise<void> {
    await this.shares.load();
    this.shares.setOwner(fileOwner(settings.share));
    this.#hasFileEvents = settings.share.fileEvents;
    if (!this.#hasFileEvents) await this.#stopFileEvents();
    else if (this.#engine !== undefined) this.#startFileEvents();
  }

  /** What the VM must be able to reach on the host. */
  hostServices(): readonly HostService[] {
    return [GUEST_LINK_PORT, ...this.#options.fileServerPorts].map((port) => ({ protocol: 'tcp', port }));
  }

  /** In the order of `up`. A file server that cannot be set up costs the shares, and nothing else. */
  resources(place: FileServerPlace): readonly ManagedResource[] {
    const links = this.#linkServer(place);
    return [
      {
        ...links,
        // Here and not with the file server, which may have nothing to set up: the VM mounts what is added later.
        ensure: (context) => {
          this.#place = place;
          return links.ensure(context);
        },
      },
      ...this.shares.resources(place).map((each) => this.#tolerant(each)),
    ];
  }

  ids(): readonly string[] {
    return this.shares.list().map(({ share }) => share.id);
  }

  vmReady(): void {
    if (this.#place !== undefined) this.shares.vmReady(this.#place);
  }

  async settled(signal: AbortSignal): Promise<readonly string[]> {
    await this.shares.settled(signal);
    return this.shares.list().flatMap(({ share, status }) => {
      if (status.state === 'healthy') return [];
      const reason = status.failure?.reason ?? 'it is not mounted yet';
      return [`Share ${share.name} does not work: ${reason}. ${status.failure?.remedy ?? ''}`.trimEnd()];
    });
  }

  engineReady(): void {
    this.#engine = new AbortController();
    this.#healthy = new Set();
    this.#startHeld();
    this.#startFileEvents();
  }

  wake(): void {
    this.shares.wake();
  }

  vmLost(): void {
    void this.#stopFileEvents();
    this.#engine?.abort();
    this.#engine = undefined;
    this.shares.vmLost();
    this.#links.current?.dropAll();
  }

  async describe(): Promise<SharesDescription> {
    const listed = this.shares.list();
    return {
      shares: listed.map(({ share, status }) => ({
        name: share.name,
        hostPath: share.hostPath,
        isReadOnly: share.isReadOnly,
        state: status.state,
        ...(status.failure === undefined
          ? {}
          : { reason: status.failure.reason, remedy: status.failure.remedy }),
      })),
      heldContainers: await this.#heldContainers(),
      ...(this.#fileEvents === undefined ? {} : { fileEvents: this.#fileEvents.status() }),
    };
  }

  /** `uninstall` forgets shares and passwords. */
  installed(): ManagedResource {
    return {
      id: 'shares',
      title: 'shares and their passwords',
      lifetime: 'installation',
      isRepaired: false,
      plan: () => Promise.resolve({ kind: 'none' }),
      ensure: () => Promise.resolve('none'),
      remove: async () => ((await this.shares.forget()) ? 'remove' : 'none'),
    };
  }

  async close(): Promise<void> {
    await this.#stopFileEvents();
    await this.#links.close();
    await this.shares.close();
  }

  async #heldContainers(): Promise<readonly string[]> {
    const broken = this.shares.list().filter(({ status }) => status.state !== 'healthy');
    if (this.#engine === undefined || broken.length === 0) return [];
    const points = broken.flatMap(({ share }) => share.points);
    const within = timeLimit(ASK_ENGINE_MS, this.#engine.signal);
    const held = await this.#options.held.list(points, within).catch(() => []);
    return held.map(({ name }) => name);
  }

  /** Starts the containers of shares that have begun to work. */
  #startHeld(): void {
    if (this.#engine === undefined) return;
    const { signal } = this.#engine;
    const { held, logger } = this.#options;
    const working = this.shares.list().filter(({ status }) => status.state === 'healthy');
    const points = working
      .filter(({ share }) => !this.#healthy.has(share.id))
      .flatMap(({ share }) => share.points);
    this.#healthy = new Set(working.map(({ share }) => share.id));
    if (points.length === 0) return;
    void held.start(points, signal).catch((error: unknown) => {
      if (!signal.aborted) logger.warn('share.containers.unstarted', { reason: textOf(error) });
    });
  }

  #startFileEvents(): void {
    if (!this.#hasFileEvents || this.#fileEvents !== undefined) return;
    this.#fileEvents = this.#options.startFileEvents?.(() => this.shares.list().map(({ share }) => share));
    if (this.#eventLink !== undefined) this.#fileEvents?.onLink(this.#eventLink);
  }

  async #stopFileEvents(): Promise<void> {
    const events = this.#fileEvents;
    this.#fileEvents = undefined;
    await events?.close();
  }

  /** The guest connects before its engine answers. */
  #attachEvents(link: GuestLink): void {
    this.#eventLink = link;
    link.onClose(() => {
      if (this.#eventLink === link) this.#eventLink = undefined;
    });
    this.#fileEvents?.onLink(link);
  }

  #linkServer({ hostAddress }: FileServerPlace): ManagedResource {
    const { token, onToken, mounts, logger, startLinks = startLinkServer } = this.#options;
    const place = { address: hostAddress, port: GUEST_LINK_PORT };
    return this.#links.resource(place, () =>
      startLinks({
        ...place,
        token,
        ...(onToken && { onToken }),
        onLink: (link) => {
          if (link.purpose === 'share-health') mounts.attach(link);
          else this.#attachEvents(link);
        },
        logger,
      }),
    );
  }

  #tolerant(resource: ManagedResource): ManagedResource {
    const { logger } = this.#options;
    return {
      ...resource,
      ensure: async (context) => {
        try {
          return await resource.ensure(context);
        } catch (error) {
          context.signal.throwIfAborted();
          logger.error('share.server.failed', { resource: resource.id, reason: textOf(error) });
          context.progress(textOf(error));
          this.shares.serverFailed(error);
          return 'none';
        }
      },
    };
  }
}
