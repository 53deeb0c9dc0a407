import type { Logger } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import { OncePerMinute } from '../once-per-minute.js';
import { planAudit } from './audit.plan.js';
import type { Lease, PortLeases } from './control-server.js';
import type { GuestPlace } from './forwarder.js';
import { listenPlan, type Exposure, type ListenPlan } from './listen-addresses.plan.js';
import { portKey, placeText, type PortKey, type PortRequest } from './port-request.js';
import { ListenFailure, Publication } from './publication.js';
import { publishError, refusal, type ReservedRange } from './publish-error.js';

export interface PublisherOptions {
  readonly vmAddress: string;
  /** The host's address on the switch. */
  readonly switchAddress: string;
  readonly exposure: Exposure;
  /** The host's own addresses now, those of IPv6 links with the link's name after a `%`. */
  readonly hostAddresses: () => readonly string[];
  /** Ports of the VM itself, such as the engine's: published on all addresses they would be taken from it. */
  readonly vmPorts: readonly Pick<PortRequest, 'protocol' | 'hostPort'>[];
  readonly logger: Logger;
  readonly reservedRange?: ReservedRange;
  /** Something changed that the engine should be asked about. */
  readonly onDoubt?: () => void;
}

/** What the engine says of one published port. */
export interface ListedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly container: string;
}

export interface PublishedPort extends ListedPort {
  /** `open`: carried to the container. `waiting`: held, but its container's proxy has not come back yet. */
  readonly state: 'open' | 'waiting' | 'failed';
  readonly problem: string | undefined;
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const RELEASES_KEPT_MS = 120_000;

/**
 * The ports of the host that containers publish: opened before `docker run` goes on, and in doubt exactly what the engine says.
 *
 * INVARIANTS
 * - One thing happens at a time (`#inTurn`), in the order in which it was asked for.
 * - A key has at most one publication, and a publication at most one lease, the newest.
 */
export class Publisher implements PortLeases {
  readonly #options: PublisherOptions;
  readonly #publications = new Map<PortKey, Publication>();
  readonly #releasedAtMs = new Map<PortKey, number>();
  readonly #warnings = new OncePerMinute();
  #last: Promise<unknown> = Promise.resolve();
  #isGuestThere = true;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  list(): readonly PublishedPort[] {
    return [...this.#publications.values()].map((publication) => {
      const { protocol, hostIp, hostPort, containerPort } = publication.request;
      const { problem, connections, bytesIn, bytesOut, container = '' } = publication;
      const state = problem !== undefined ? 'failed' : this.#placeOf(publication) ? 'open' : 'waiting';
      return {
        protocol,
        hostIp,
        hostPort,
        containerPort,
        container,
        state,
        problem,
        connections,
        bytesIn,
        bytesOut,
      };
    });
  }

  expose(request: PortRequest, lease: Lease, isRenewal: boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      this.#isGuestThere = true;
      this.#refuseVmPorts(request);
      if (!isRenewal && !this.#canReach(request)) return false;
      const publication = this.#publications.get(portKey(request));
      if (publication === undefined) await this.#publish(request, lease);
      else await this.#takeOver(publication, request, lease);
      this.#options.onDoubt?.();
      return true;
    });
  }

  release(lease: Lease): Promise<void> {
    return this.#inTurn(() => {
      const publication = this.#leasedBy(lease);
      if (publication !== undefined) this.#remove(publication, 'given back', true);
      return Promise.resolve();
    });
  }

  lost(lease: Lease): void {
    void this.#inTurn(() => {
      const publication = this.#leasedBy(lease);
      if (publication === undefined) return Promise.resolve();
      publication.lease = undefined;
      publication.lostAtMs = performance.now();
      this.#options.onDoubt?.();
      return Promise.resolve();
    });
  }

  /** The VM ended or stands still: what is open is cut, what comes is refused, the ports stay ours. */
  guestLost(): void {
    this.#isGuestThere = false;
    for (const publication of this.#publications.values()) publication.reset();
  }

  /** Makes the listeners what the engine says. @param askedAtMs when it was asked, by `performance.now()` */
  audit(listed: readonly ListedPort[], askedAtMs: number): Promise<void> {
    return this.#inTurn(async () => {
      this.#isGuestThere = true;
      const byKey = new Map(listed.map((port) => [portKey(port), port]));
      const held = [...this.#publications.values()];
      const plan = planAudit({
        held,
        listed: new Set(byKey.keys()),
        askedAtMs,
        releasedAtMs: this.#releasedAtMs,
      });
      for (const key of plan.close) {
        const publication = this.#publications.get(key);
        if (publication !== undefined) this.#remove(publication, 'no running container has it');
      }
      for (const publication of this.#publications.values())
        publication.container = byKey.get(publication.key)?.container ?? publication.container;
      await this.#repair();
      for (const key of plan.open) {
        const port = byKey.get(key);
        if (port !== undefined) await this.#adopt(port);
      }
      for (const [key, atMs] of this.#releasedAtMs)
        if (atMs + RELEASES_KEPT_MS < performance.now()) this.#releasedAtMs.delete(key);
    });
  }

  close(): Promise<void> {
    return this.#inTurn(() => {
      for (const publication of this.#publications.values()) publication.closeAll();
      this.#publications.clear();
      return Promise.resolve();
    });
  }

  async #publish(request: PortRequest, lease: Lease): Promise<void> {
    const publication = this.#publicationOf(request);
    try {
      await this.#open(publication, true);
    } catch (error) {
      this.#options.logger.warn('ports.publish.failed', { port: publication.key, reason: textOf(error) });
      throw error;
    }
    publication.lease = lease;
    this.#publications.set(publication.key, publication);
    this.#options.logger.info('ports.published', {
      port: publication.key,
      containerPort: request.containerPort,
    });
  }

  /** The engine gives a port to one container at a time, so whoever asks last is right. */
  async #takeOver(publication: Publication, request: PortRequest, lease: Lease): Promise<void> {
    const { request: before, lease: older } = publication;
    const isOther =
      before.containerPort !== request.containerPort || before.containerIp !== request.containerIp;
    publication.request = request;
    publication.lease = lease;
    publication.lostAtMs = undefined;
    if (isOther && before.containerIp !== '') publication.reset();
    if (older !== lease) older?.drop();
    if (publication.isOpen) return;
    try {
      await this.#open(publication, true);
    } catch (error) {
      this.#publications.delete(publication.key);
      throw error;
    }
  }

  /** A container runs with a port that we do not have: after a restart of ours, or of the guest's proxy. */
  async #adopt(port: ListedPort): Promise<void> {
    const publication = this.#publicationOf({ ...port, containerIp: '', relayPort: undefined });
    publication.container = port.container;
    publication.lostAtMs = performance.now();
    this.#publications.set(publication.key, publication);
    await this.#tryOpen(publication);
  }

  async #repair(): Promise<void> {
    for (const publication of this.#publications.values()) {
      const isEverywhere = ['0.0.0.0', '::'].includes(publication.request.hostIp);
      // New addresses of the host are listened on as they come.
      if (!publication.isOpen || (publication.request.protocol === 'udp' && isEverywhere))
        await this.#tryOpen(publication);
    }
  }

  async #tryOpen(publication: Publication): Promise<void> {
    const { logger } = this.#options;
    try {
      const isNews = publication.listening.length === 0;
      await this.#open(publication, false);
      if (isNews && publication.isOpen) logger.info('ports.reopened', { port: publication.key });
    } catch (error) {
      publication.problem = textOf(error);
      if (this.#warnings.allows(publication.key, performance.now()))
        logger.warn('ports.publish.failed', { port: publication.key, reason: publication.problem });
    }
  }

  /** @param isAskedFor by the guest, just now @throws MobyvmError MOBYVM_PORT_PUBLISH */
  async #open(publication: Publication, isAskedFor: boolean): Promise<void> {
    const plan = this.#planOf(publication.request);
    try {
      await publication.open(plan);
    } catch (failure) {
      if (!(failure instanceof ListenFailure)) throw failure;
      if (this.#makeRoom(publication, failure.address, isAskedFor))
        return this.#open(publication, isAskedFor);
      const { cause: error, address } = failure;
      throw await publishError(publication.request, address, {
        error,
        reservedRange: this.#options.reservedRange,
      });
    }
  }

  /** Gives up what of ours is in the way and has less right to be there. */
  #makeRoom(wanted: Publication, address: string, isAskedFor: boolean): boolean {
    const { protocol, hostPort } = wanted.request;
    const inTheWay = [...this.#publications.values()].filter(
      (other) =>
        other !== wanted &&
        other.request.protocol === protocol &&
        other.request.hostPort === hostPort &&
        other.isInTheWayOf(address),
    );
    let hasRoom = false;
    for (const other of inTheWay) {
      if (other.yieldTo(address)) {
        hasRoom = true;
      } else if (isAskedFor && other.lease === undefined) {
        // The engine has given the port anew, so the container of one without a lease is gone.
        this.#remove(other, 'the engine has given it to another container');
        hasRoom = true;
      }
    }
    return hasRoom;
  }

  #remove(publication: Publication, reason: string, isReleased = false): void {
    publication.closeAll();
    publication.lease?.drop();
    publication.lease = undefined;
    this.#publications.delete(publication.key);
    if (isReleased) this.#releasedAtMs.set(publication.key, performance.now());
    this.#options.logger.info('ports.unpublished', { port: publication.key, reason });
  }

  #refuseVmPorts({ protocol, hostIp, hostPort }: PortRequest): void {
    const isVms = this.#options.vmPorts.some(
      (port) => port.protocol === protocol && port.hostPort === hostPort,
    );
    if (!isVms || hostIp !== '0.0.0.0') return;
    throw refusal(
      `Bind for ${placeText(hostIp, hostPort)} failed: port is already allocated (mobyvm reaches the engine by it)`,
    );
  }

  /** The guest takes connections to its own address and a port published on `0.0.0.0` to the container. */
  #canReach(request: PortRequest): boolean {
    return (
      request.relayPort !== undefined || request.hostIp === '0.0.0.0' || this.#twinOf(request) !== undefined
    );
  }

  #twinOf({ protocol, hostIp, hostPort, containerIp, containerPort }: PortRequest): Publication | undefined {
    if (hostIp !== '::') return undefined;
    const twin = this.#publications.get(portKey({ protocol, hostIp: '0.0.0.0', hostPort }));
    // Of a port that was taken over from the engine's list the container's address is not known.
    const addresses = new Set([twin?.request.containerIp, containerIp].filter((address) => address !== ''));
    const isSame = twin?.request.containerPort === containerPort && addresses.size <= 1;
    return isSame ? twin : undefined;
  }

  #placeOf({ request }: Publication): GuestPlace | undefined {
    if (!this.#isGuestThere || !this.#canReach(request)) return undefined;
    return { host: this.#options.vmAddress, port: request.relayPort ?? request.hostPort };
  }

  #planOf(request: PortRequest): ListenPlan {
    const { exposure, hostAddresses, switchAddress } = this.#options;
    return listenPlan(request, exposure, { addresses: hostAddresses(), switchAddress });
  }

  #publicationOf(request: PortRequest): Publication {
    const key = portKey(request);
    return new Publication({
      request,
      target: (publication) => this.#placeOf(publication),
      onTrouble: (event, reason) => {
        if (this.#warnings.allows(`${event} ${key}`, performance.now()))
          this.#options.logger.warn(event, { port: key, reason });
      },
    });
  }

  #leasedBy(lease: Lease): Publication | undefined {
    return [...this.#publications.values()].find((publication) => publication.lease === lease);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch((error: unknown) => {
      if (!(error instanceof MobyvmError))
        this.#options.logger.error('ports.failed', { reason: textOf(error) });
    });
    return result;
  }
}
