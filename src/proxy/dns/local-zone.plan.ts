import { isIpv4, parseIpv6, subnetContains, type Ipv4, type Subnet } from '../../core/values/index.js';
import type { HostTable } from './host-table.plan.js';
import { nameText, parseName } from './name.codec.js';
import type { RecordData } from './record.codec.js';
import { isWithin } from './routes.plan.js';
import { addressOfReverseName } from './reverse-name.plan.js';

/** What the server answers itself is made of. */
export interface ZoneOptions {
  /** The host's address on the switch: that of `host.docker.internal` and `gateway.docker.internal`. */
  readonly serverAddress: Ipv4;
  readonly subnet: Subnet;
  /** More names of the machine, the VM's for example; they take precedence over the two above. */
  readonly names: ReadonlyMap<string, Ipv4>;
  /** `dns.hosts` of the settings. */
  readonly settingsHosts: HostTable;
  /** The host's hosts file. */
  readonly hostsFile: HostTable;
  /** Domains that have servers, even where `.local` names have none: those in the settings, the search list. */
  readonly servedDomains: readonly string[];
}

/** Why the server answers a name itself. */
export type LocalRule = 'settings' | 'machine' | 'hosts file' | 'reserved' | 'mdns';

export interface LocalFacts {
  readonly rule: LocalRule;
  /** False: the name does not exist, whatever the type. */
  readonly isKnown: boolean;
  readonly records: readonly RecordData[];
  /** Only addresses are known here: other types are the upstream's. */
  readonly isPartial: boolean;
}

const HOST_NAMES = ['host.docker.internal', 'gateway.docker.internal'];
/** Ours, so nobody else is asked: an upstream with a wildcard would answer with its own address. */
const OWN_DOMAINS = ['mobyvm.internal', 'docker.internal'];
const LOOPBACK = '127.0.0.1' as Ipv4;
const LOOPBACK6 = '::1';

/**
 * The names that are answered here rather than by an upstream. `localhost` and `invalid`
 * (https://www.rfc-editor.org/rfc/rfc6761#section-6.3), `onion` (https://www.rfc-editor.org/rfc/rfc7686) and
 * `alt` (https://www.rfc-editor.org/rfc/rfc9476) never leave the host; neither do `local` and the names of
 * link-local addresses, which belong to multicast DNS
 * (https://www.rfc-editor.org/rfc/rfc6762#section-22.1), unless a domain of them has servers of its own.
 * `test` and `example` are forwarded, because companies do use them.
 */
export class LocalZone {
  readonly #options: ZoneOptions;
  readonly #machine: ReadonlyMap<string, Ipv4>;

  constructor(options: ZoneOptions) {
    this.#options = options;
    this.#machine = new Map([
      ...HOST_NAMES.map((name): [string, Ipv4] => [name, options.serverAddress]),
      // By way of the wire form, so that both sides of a comparison are normalized alike.
      ...[...options.names].map(([name, address]): [string, Ipv4] => [nameText(parseName(name)), address]),
    ]);
  }

  /** @returns undefined if an upstream is to be asked */
  find(name: string): LocalFacts | undefined {
    const { settingsHosts, hostsFile } = this.#options;
    const fromSettings = settingsHosts.addressesOf(name);
    if (fromSettings !== undefined) return this.#hostFacts('settings', name, fromSettings);
    const machineAddress = this.#machine.get(name);
    if (machineAddress !== undefined) return known('machine', { kind: 'a', address: machineAddress });
    const lastLabel = name.slice(name.lastIndexOf('.') + 1);
    if (lastLabel === 'localhost')
      return known('reserved', addressRecord(LOOPBACK), addressRecord(LOOPBACK6));
    const fromFile = hostsFile.addressesOf(name);
    if (fromFile !== undefined) return this.#hostFacts('hosts file', name, fromFile);
    if (lastLabel === 'arpa') return this.#reverseFacts(name);
    return this.#unserved(name, lastLabel);
  }

  #hostFacts(rule: LocalRule, name: string, addresses: readonly string[]): LocalFacts {
    const isPartial = this.#unserved(name, name.slice(name.lastIndexOf('.') + 1)) === undefined;
    return { rule, isKnown: true, records: addresses.map(addressRecord), isPartial };
  }

  /** Names that are never forwarded. */
  #unserved(name: string, lastLabel: string): LocalFacts | undefined {
    switch (lastLabel) {
      case 'internal':
        return OWN_DOMAINS.some((domain) => isWithin(name, domain)) ? unknown('reserved') : undefined;
      case 'invalid':
      case 'onion':
      case 'alt':
        return unknown('reserved');
      case 'local':
        return this.#isServed(name) ? undefined : unknown('mdns');
      default:
        return undefined;
    }
  }

  #isServed(name: string): boolean {
    return this.#options.servedDomains.some((domain) => isWithin(name, domain));
  }

  /** No other server knows the names of the switch's addresses, or of those in RFC 6303 section 4.2. */
  #reverseFacts(name: string): LocalFacts | undefined {
    const address = addressOfReverseName(name);
    if (address === undefined) return undefined;
    const { settingsHosts, hostsFile, subnet } = this.#options;
    const set = settingsHosts.nameOf(address);
    if (set !== undefined) return pointer('settings', set);
    if (address === LOOPBACK || address === LOOPBACK6) return pointer('reserved', 'localhost');
    if (isIpv4(address)) {
      if (address.startsWith('127.')) return unknown('reserved');
      if (subnetContains(subnet, address)) return this.#machineName(address);
    }
    const listed = hostsFile.nameOf(address);
    if (listed !== undefined) return pointer('hosts file', listed);
    return isLinkLocal(address) && !this.#isServed(name) ? unknown('mdns') : undefined;
  }

  #machineName(address: Ipv4): LocalFacts {
    for (const [name, itsAddress] of this.#machine) {
      if (itsAddress === address) return pointer('machine', this.#asGiven(name));
    }
    return unknown('machine');
  }

  #asGiven(name: string): string {
    return [...this.#options.names.keys()].find((given) => nameText(parseName(given)) === name) ?? name;
  }
}

function known(rule: LocalRule, ...records: readonly RecordData[]): LocalFacts {
  return { rule, isKnown: true, records, isPartial: false };
}

function unknown(rule: LocalRule): LocalFacts {
  return { rule, isKnown: false, records: [], isPartial: false };
}

function pointer(rule: LocalRule, name: string): LocalFacts {
  return known(rule, { kind: 'ptr', name: parseName(name) });
}

/** @param address IPv4 or IPv6 in canonical form */
function addressRecord(address: string): RecordData {
  if (isIpv4(address)) return { kind: 'a', address };
  return { kind: 'aaaa', address: parseIpv6(address) ?? new Uint8Array(16) };
}

function isLinkLocal(address: string): boolean {
  return address.startsWith('169.254.') || /^fe[89ab]/.test(address);
}
