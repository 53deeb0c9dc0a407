import { errnoOf } from '../../core/values/index.js';
import type { Endpoint } from '../endpoint.js';
import type { PortFacts } from '../port-facts.js';
import type { Lease } from './control-server.js';
import type { Forwarder, ForwarderTrouble } from './forwarder.js';
import type { ListenPlan } from './listen-addresses.plan.js';
import { portKey, type PortKey, type PortRequest } from './port-request.js';
import { forwardTcp } from './tcp-forwarder.js';
import { forwardUdp } from './udp-forwarder.js';
import { assertUdpPortIsFree, forwardUdpRest, REST } from './udp-rest.js';

export interface PublicationOptions {
  readonly request: PortRequest;
  readonly target: (publication: Publication) => Endpoint | undefined;
  readonly onTrouble: ForwarderTrouble;
  readonly portFacts: PortFacts;
}

/** A listen failed; `cause` is the system's error. */
export class ListenError extends Error {
  constructor(
    readonly address: string,
    cause: unknown,
  ) {
    super(`cannot listen on ${address}`, { cause });
  }
}

/**
 * One published port with its listeners on the host.
 * INVARIANT: either all needed addresses of its plan are listened on, or none.
 */
export class Publication {
  readonly #options: PublicationOptions;
  readonly #forwarders = new Map<string, Forwarder>();
  readonly #counted = { bytesIn: 0, bytesOut: 0 };
  #needed: readonly string[] = [];
  request: PortRequest;
  lease: Lease | undefined;
  lostAtMs: number | undefined;
  /** The name of its container, once known from the engine. */
  container: string | undefined;
  /** The reason why it is not open. */
  problem: string | undefined;

  constructor(options: PublicationOptions) {
    this.#options = options;
    this.request = options.request;
  }

  get key(): PortKey {
    return portKey(this.request);
  }

  get wasListed(): boolean {
    return this.container !== undefined;
  }

  get isOpen(): boolean {
    return (
      this.#forwarders.size > 0 && this.#needed.every((address) => this.#forwarders.get(address)?.isListening)
    );
  }

  get listening(): readonly string[] {
    return [...this.#forwarders.keys()];
  }

  get connections(): number {
    return this.#sum(({ connections }) => connections);
  }

  get bytesIn(): number {
    return this.#counted.bytesIn + this.#sum(({ bytesIn }) => bytesIn);
  }

  get bytesOut(): number {
    return this.#counted.bytesOut + this.#sum(({ bytesOut }) => bytesOut);
  }

  /** Opens what the plan lists and closes the rest. @throws ListenError */
  async open({ needed, optional, mayLackIpv6, hasRest }: ListenPlan): Promise<void> {
    this.#needed = needed;
    const planned = [...needed, ...optional, ...(hasRest ? [REST] : [])];
    for (const [address, forwarder] of this.#forwarders) {
      if (!forwarder.isListening || !planned.includes(address)) this.#drop(address);
    }
    if (hasRest && this.#forwarders.size === 0) await this.#assertFree();
    for (const address of needed) {
      try {
        await this.#listen(address, hasRest);
      } catch (error) {
        // An address that the host got after the others is served by the socket for the rest.
        if (this.#forwarders.has(REST)) {
          this.#needed = this.#needed.filter((each) => each !== address);
          continue;
        }
        if (mayLackIpv6 && isWithoutIpv6(error)) {
          this.#needed = [];
          continue;
        }
        this.closeAll();
        throw new ListenError(address, error);
      }
    }
    // Whoever has one of these keeps it.
    for (const address of optional) await this.#listen(address).catch(() => undefined);
    if (hasRest) await this.#listenToRest().catch(() => undefined);
    this.problem = this.#forwarders.size === 0 ? 'the host has no IPv6 address' : undefined;
  }

  /** Closes optional listeners that conflict with an address. @returns whether there were any */
  yieldTo(address: string): boolean {
    const conflicting = this.listening.filter(
      (each) => !this.#needed.includes(each) && conflicts(each, address),
    );
    for (const each of conflicting) this.#drop(each);
    return conflicting.length > 0;
  }

  conflictsWith(address: string): boolean {
    return this.listening.some((each) => conflicts(each, address));
  }

  /** Resets open connections; keeps listening. */
  reset(): void {
    for (const forwarder of this.#forwarders.values()) forwarder.reset();
  }

  closeAll(): void {
    for (const address of this.listening) this.#drop(address);
  }

  async #listen(address: string, isShared = false): Promise<void> {
    if (this.#forwarders.has(address)) return;
    const options = { ...this.#forwarding, address, isShared };
    const { protocol } = this.request;
    this.#forwarders.set(address, await (protocol === 'tcp' ? forwardTcp(options) : forwardUdp(options)));
  }

  async #assertFree(): Promise<void> {
    try {
      await assertUdpPortIsFree(this.request.hostPort);
    } catch (error) {
      throw new ListenError(REST, error);
    }
  }

  async #listenToRest(): Promise<void> {
    if (this.#forwarders.has(REST)) return;
    const { portFacts } = this.#options;
    this.#forwarders.set(REST, await forwardUdpRest({ ...this.#forwarding, portFacts }));
  }

  get #forwarding() {
    const { onTrouble, target } = this.#options;
    return { port: this.request.hostPort, onTrouble, target: () => target(this) };
  }

  #drop(address: string): boolean {
    const forwarder = this.#forwarders.get(address);
    if (forwarder === undefined) return false;
    forwarder.close();
    this.#counted.bytesIn += forwarder.bytesIn;
    this.#counted.bytesOut += forwarder.bytesOut;
    return this.#forwarders.delete(address);
  }

  #sum(part: (forwarder: Forwarder) => number): number {
    return [...this.#forwarders.values()].reduce((sum, forwarder) => sum + part(forwarder), 0);
  }
}

/** The same address, or a wildcard of the same family: only one of the two can be listened on. */
function conflicts(a: string, b: string): boolean {
  if (a.includes(':') !== b.includes(':')) return false;
  return a === b || [a, b].some((each) => each === '0.0.0.0' || each === '::');
}

function isWithoutIpv6(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(errnoOf(error) ?? '');
}
