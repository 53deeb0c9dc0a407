import { errnoOf } from '../../core/values/index.js';
import type { Lease } from './control-server.js';
import type { Forwarder, ForwarderTrouble, GuestPlace } from './forwarder.js';
import type { ListenPlan } from './listen-addresses.plan.js';
import { portKey, type PortKey, type PortRequest } from './port-request.js';
import { forwardTcp } from './tcp-forwarder.js';
import { forwardUdp } from './udp-forwarder.js';

export interface PublicationOptions {
  readonly request: PortRequest;
  readonly target: (publication: Publication) => GuestPlace | undefined;
  readonly onTrouble: ForwarderTrouble;
}

/** A listen that failed, with the address that it failed for. */
export class ListenFailure extends Error {
  constructor(
    readonly address: string,
    cause: unknown,
  ) {
    super(`${address} cannot be listened on`, { cause });
  }
}

/**
 * One published port with all that listens for it on the host.
 * INVARIANT: either everything that its plan needs is listened on, or nothing is.
 */
export class Publication {
  readonly #options: PublicationOptions;
  readonly #forwarders = new Map<string, Forwarder>();
  readonly #counted = { bytesIn: 0, bytesOut: 0 };
  #needed: readonly string[] = [];
  request: PortRequest;
  lease: Lease | undefined;
  lostAtMs: number | undefined;
  /** Name of its container, once the engine has told it. */
  container: string | undefined;
  /** Why it is not open. */
  problem: string | undefined;
  readonly sinceMs = performance.now();

  constructor(options: PublicationOptions) {
    this.#options = options;
    this.request = options.request;
  }

  get key(): PortKey {
    return portKey(this.request);
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

  /** Listens on what is not listened on yet, and no longer on what is not in the plan. @throws ListenFailure */
  async open({ needed, beside, mayLackIpv6 }: ListenPlan): Promise<void> {
    this.#needed = needed;
    for (const [address, forwarder] of this.#forwarders) {
      if (!forwarder.isListening || ![...needed, ...beside].includes(address)) this.#drop(address);
    }
    for (const address of needed) {
      try {
        await this.#listen(address);
      } catch (error) {
        if (mayLackIpv6 && isWithoutIpv6(error)) {
          this.#needed = [];
          continue;
        }
        this.closeAll();
        throw new ListenFailure(address, error);
      }
    }
    for (const address of beside) await this.#listen(address).catch(() => undefined);
    this.problem = this.#forwarders.size === 0 ? 'the host has no IPv6 address' : undefined;
  }

  /** Gives up what is listened on beside what is needed, if it is in the way of that. @returns whether it was */
  yieldTo(address: string): boolean {
    const inTheWay = this.listening.filter((each) => !this.#needed.includes(each) && overlaps(each, address));
    for (const each of inTheWay) this.#drop(each);
    return inTheWay.length > 0;
  }

  isInTheWayOf(address: string): boolean {
    return this.listening.some((each) => overlaps(each, address));
  }

  /** Cuts what is open; goes on listening. */
  reset(): void {
    for (const forwarder of this.#forwarders.values()) forwarder.reset();
  }

  closeAll(): void {
    for (const address of this.listening) this.#drop(address);
  }

  async #listen(address: string): Promise<void> {
    if (this.#forwarders.has(address)) return;
    const { protocol, hostPort: port } = this.request;
    const { onTrouble, target } = this.#options;
    const options = { address, port, onTrouble, target: () => target(this) };
    this.#forwarders.set(address, await (protocol === 'tcp' ? forwardTcp(options) : forwardUdp(options)));
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

/** An address that stands for all of its family, or the same one, cannot be listened on twice. */
function overlaps(a: string, b: string): boolean {
  if (a.includes(':') !== b.includes(':')) return false;
  return a === b || [a, b].some((each) => each === '0.0.0.0' || each === '::');
}

function isWithoutIpv6(error: unknown): boolean {
  return ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(errnoOf(error) ?? '');
}
