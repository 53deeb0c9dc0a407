import { SerialQueue, type Logger } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import type { Endpoint } from '../endpoint.js';
import { OncePerMinute } from '../once-per-minute.js';
import type { PortFacts } from '../port-facts.js';
import { planAudit } from './audit.plan.js';
import type { Exposed } from './control.codec.js';
import type { Lease, PortLeases } from './control-server.js';
import { listenPlan, type Exposure, type ListenPlan } from './listen-addresses.plan.js';
import { isSamePort, type OwnServer, type ProtocolPort } from './own-server.js';
import { portKey, type PortKey, type PortRequest } from './port-request.js';
import { ListenError, Publication } from './publication.js';
import { publishError } from './publish-error.js';

export interface PublisherOptions {
  readonly vmAddress: string;
  /** The VM's second address, at which relay ports are. */
  readonly relayAddress: string;
  /** The host's address on the switch. */
  readonly switchAddress: string;
  /** Our own servers at that address, as they are now. */
  readonly ownServers: () => readonly OwnServer[];
  readonly exposure: Exposure;
  readonly portFacts: PortFacts;
  /** Ports that the VM itself needs, such as the engine's: publishing one of them takes a relay port. */
  readonly vmPorts: readonly ProtocolPort[];
  readonly logger: Logger;
  /** Called when an audit against the engine's list is due. */
  readonly onDoubt?: () => void;
}

/** A published port as the engine lists it. */
export interface ListedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly container: string;
}

export interface PublishedPort extends ListedPort {
  /**
   * `open`: forwarded to the container. `waiting`: held, but its container's proxy has not reconnected yet.
   */
  readonly state: 'open' | 'waiting' | 'failed';
  readonly problem: string | undefined;
  readonly connections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

const RELEASES_KEPT_MS = 120_000;

/**
 * The ports that containers publish on the host. A port is open before `docker run` continues; an audit makes
 * them match what the engine lists.
 *
 * INVARIANTS
 * - Operations run one at a time, in the order in which they were requested (`#queue`).
 * - A key has at most one publication, and a publication at most one lease, the newest.
 */
export class Publisher implements PortLeases {
  readonly #options: PublisherOptions;
  readonly #publications = new Map<PortKey, Publication>();
  readonly #releasedAtMs = new Map<PortKey, number>();
  readonly #warnings = new OncePerMinute();
  readonly #queue = new SerialQueue();
  /** Operations are short; none of them is aborted. */
  readonly #signal = new AbortController().signal;
  #isGuestReachable = true;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  list(): readonly PublishedPort[] {
    return [...this.#publications.values()].map((publication) => {
      const { protocol, hostIp, hostPort, containerPort } = publication.request;
      const { problem, connections, bytesIn, bytesOut, container = '' } = publication;
      const state = problem !== undefined ? 'failed' : this.#targetOf(publication) ? 'open' : 'waiting';
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

  expose(request: PortRequest, lease: Lease, isRenewal: boolean): Promise<Exposed> {
    return this.#run(async () => {
      this.#isGuestReachable = true;
      if (!isRenewal && !this.#canReach(request)) return { kind: 'relay' };
      const publication = this.#publications.get(portKey(request));
      if (publication === undefined) await this.#publish(request, lease);
      else await this.#takeOver(publication, request, lease);
      this.#options.onDoubt?.();
      return { kind: 'ok', hairpin: !this.#isSwitchTaken(request) };
    });
  }

  release(lease: Lease): Promise<void> {
    return this.#run(() => {
      const publication = this.#leasedBy(lease);
      if (publication !== undefined) this.#remove(publication, 'released', true);
      return Promise.resolve();
    });
  }

  lost(lease: Lease): void {
    const work = (): Promise<void> => {
      const publication = this.#leasedBy(lease);
      if (publication === undefined) return Promise.resolve();
      publication.lease = undefined;
      publication.lostAtMs = performance.now();
      this.#options.onDoubt?.();
      return Promise.resolve();
    };
    // A failure has been logged.
    this.#run(work).catch(() => undefined);
  }

  /** The VM has stopped or hangs: resets connections, refuses new ones, keeps the ports. */
  guestLost(): void {
    this.#isGuestReachable = false;
    for (const publication of this.#publications.values()) publication.reset();
  }

  /**
   * Makes the listeners match the engine's list.
   * @param askedAtMs when it was requested, by `performance.now()`
   */
  audit(listed: readonly ListedPort[], askedAtMs: number): Promise<void> {
    return this.#run(async () => {
      this.#isGuestReachable = true;
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
        if (publication !== undefined) this.#remove(publication, 'no running container publishes it');
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

  /** Our own servers at the switch's address have changed, or are about to: leaves their ports to them. */
  makeWay(): Promise<void> {
    return this.#run(() => this.#repair());
  }

  close(): Promise<void> {
    return this.#run(() => {
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

  /** The engine gives a port to one container at a time, so the latest request is the valid one. */
  async #takeOver(publication: Publication, request: PortRequest, lease: Lease): Promise<void> {
    const { request: before, lease: older } = publication;
    const isOther =
      before.containerPort !== request.containerPort || before.containerIp !== request.containerIp;
    publication.request = request;
    publication.lease = lease;
    publication.lostAtMs = undefined;
    if (isOther && before.containerIp !== '') {
      publication.reset();
      publication.container = undefined;
    }
    if (older !== lease) older?.drop();
    if (publication.isOpen) return;
    try {
      await this.#open(publication, true);
    } catch (error) {
      this.#publications.delete(publication.key);
      throw error;
    }
  }

  /** Opens the port of a running container that we lost, for example by a restart of the daemon. */
  async #adopt(port: ListedPort): Promise<void> {
    const publication = this.#publicationOf({ ...port, containerIp: '', relayPort: undefined });
    publication.container = port.container;
    publication.lostAtMs = performance.now();
    this.#publications.set(publication.key, publication);
    await this.#tryOpen(publication);
  }

  async #repair(): Promise<void> {
    for (const publication of this.#publications.values()) {
      // The host may have new addresses.
      const isEverywhere = ['0.0.0.0', '::'].includes(publication.request.hostIp);
      if (!publication.isOpen || isEverywhere) await this.#tryOpen(publication);
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

  /** @param isRequested by the guest, just now @throws MobyvmError MOBYVM_PORT_PUBLISH */
  async #open(publication: Publication, isRequested: boolean): Promise<void> {
    const plan = this.#planOf(publication.request);
    try {
      await publication.open(plan);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      const { address, cause } = error;
      if (this.#closeConflicting(publication, address, isRequested))
        return this.#open(publication, isRequested);
      const { portFacts } = this.#options;
      const ownServer = this.#ownServerAt(publication.request, address);
      throw await publishError(publication.request, address, { error: cause, portFacts, ownServer });
    }
  }

  /** Closes listeners of our own that conflict and have a weaker claim. @returns whether there were any */
  #closeConflicting(wanted: Publication, address: string, isRequested: boolean): boolean {
    const { protocol, hostPort } = wanted.request;
    const conflicting = [...this.#publications.values()].filter(
      (other) =>
        other !== wanted &&
        other.request.protocol === protocol &&
        other.request.hostPort === hostPort &&
        other.conflictsWith(address),
    );
    let isClosed = false;
    for (const other of conflicting) {
      if (other.yieldTo(address)) {
        isClosed = true;
      } else if (isRequested && other.lease === undefined) {
        // The engine has assigned the port again, so the container of one without a lease is gone.
        this.#remove(other, 'the engine has assigned it to another container');
        isClosed = true;
      }
    }
    return isClosed;
  }

  #remove(publication: Publication, reason: string, isReleased = false): void {
    publication.closeAll();
    publication.lease?.drop();
    publication.lease = undefined;
    this.#publications.delete(publication.key);
    if (isReleased) this.#releasedAtMs.set(publication.key, performance.now());
    this.#options.logger.info('ports.unpublished', { port: publication.key, reason });
  }

  /**
   * The guest itself forwards connections to its own address only for ports published on `0.0.0.0` that it does
   * not need itself.
   */
  #canReach(request: PortRequest): boolean {
    if (request.relayPort !== undefined) return true;
    if (this.#options.vmPorts.some((port) => isSamePort(port, request))) return false;
    return request.hostIp === '0.0.0.0' || this.#twinOf(request) !== undefined;
  }

  #twinOf({ protocol, hostIp, hostPort, containerIp, containerPort }: PortRequest): Publication | undefined {
    if (hostIp !== '::') return undefined;
    const twin = this.#publications.get(portKey({ protocol, hostIp: '0.0.0.0', hostPort }));
    // The container's address is unknown for a port that was adopted from the engine's list.
    const addresses = new Set([twin?.request.containerIp, containerIp].filter((address) => address !== ''));
    const isSame = twin?.request.containerPort === containerPort && addresses.size <= 1;
    return isSame ? twin : undefined;
  }

  #targetOf({ request }: Publication): Endpoint | undefined {
    if (!this.#isGuestReachable || !this.#canReach(request)) return undefined;
    const { vmAddress, relayAddress } = this.#options;
    const { relayPort, hostPort } = request;
    return relayPort === undefined
      ? { address: vmAddress, port: hostPort }
      : { address: relayAddress, port: relayPort };
  }

  #planOf(request: PortRequest): ListenPlan {
    const { exposure, portFacts, switchAddress } = this.#options;
    return listenPlan(request, exposure, {
      addresses: portFacts.hostAddresses(),
      switchAddress,
      isSwitchTaken: this.#isSwitchTaken(request),
      canShareUdp: portFacts.udpDestination !== undefined,
    });
  }

  /** A server of our own has the port at the switch's address. */
  #isSwitchTaken(request: PortRequest): boolean {
    return this.#options.ownServers().some((server) => isSamePort(server, request));
  }

  #ownServerAt(request: PortRequest, address: string): OwnServer | undefined {
    const { switchAddress, ownServers } = this.#options;
    return address === switchAddress ? ownServers().find((server) => isSamePort(server, request)) : undefined;
  }

  #publicationOf(request: PortRequest): Publication {
    const key = portKey(request);
    return new Publication({
      request,
      target: (publication) => this.#targetOf(publication),
      portFacts: this.#options.portFacts,
      onTrouble: (event, reason) => {
        if (this.#warnings.allows(`${event} ${key}`, performance.now()))
          this.#options.logger.warn(event, { port: key, reason });
      },
    });
  }

  #leasedBy(lease: Lease): Publication | undefined {
    return [...this.#publications.values()].find((publication) => publication.lease === lease);
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await this.#queue.run(work, this.#signal);
    } catch (error) {
      if (!(error instanceof MobyvmError))
        this.#options.logger.error('ports.failed', { reason: textOf(error) });
      throw error;
    }
  }
}
