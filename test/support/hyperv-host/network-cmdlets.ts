import { randomUUID } from 'node:crypto';
import { netmask, parseIpv4 } from '../../../src/core/values/index.js';
import type { HostObject } from '../pwsh-host/stub-calls.js';
import type { Bound, Handler, Handlers } from './bound.js';
import { alreadyExists, HostFailure, invalidParameter, notFound, queryNotFound } from './host-failure.js';

interface SimulatedSwitch {
  readonly id: string;
  readonly name: string;
  readonly notes: string;
  readonly type: string;
}

interface SimulatedAdapter {
  readonly index: number;
  readonly guid: string;
  readonly alias: string;
  /** Undefined for a card of the host. */
  readonly switchId: string | undefined;
  hasDhcp: boolean;
  readonly metric: number;
  /** Name servers, those of IPv6 apart. */
  readonly nameServers: readonly string[];
  readonly nameServers6: readonly string[];
  /** The domain of the connection. */
  readonly suffix?: string;
  /** For so many looks its port on the switch has no GUID. */
  looksUntilGuid: number;
  /** For so many looks it does not exist, and then for as many its IP interface. */
  looksUntilThere: number;
  looksUntilInterface: number;
  addresses: { address: string; prefixLength: number; looksUntilUsable: number }[];
}

/** Switches, adapters, addresses and NAT networks of a host with one network card. */
export class SimulatedNetwork {
  readonly switches: SimulatedSwitch[] = [];
  /** The search list in the settings; empty means the domains of the connections. */
  searchList: readonly string[] = [];
  readonly nats: { readonly name: string; readonly prefix: string }[] = [];
  readonly adapters: SimulatedAdapter[] = [
    {
      index: 4,
      guid: `{${randomUUID().toUpperCase()}}`,
      alias: 'Ethernet',
      switchId: undefined,
      hasDhcp: true,
      metric: 25,
      nameServers: ['192.168.1.1', '9.9.9.9'],
      nameServers6: ['fe80::1'],
      looksUntilGuid: 0,
      looksUntilThere: 0,
      looksUntilInterface: 0,
      addresses: [{ address: '192.168.1.20', prefixLength: 24, looksUntilUsable: 0 }],
    },
  ];
  /** A new address is tentative for so many looks. */
  tentativeLooks = 1;
  /** For so many looks a new switch has no adapter. */
  adapterLooks = 0;
  takesSeveralNats = false;
  #lastIndex = 20;

  addSwitch(name: string, notes: string, type = 'Internal'): SimulatedSwitch {
    const made = { id: randomUUID(), name, notes, type };
    this.switches.push(made);
    this.#lastIndex += 1;
    if (type === 'Internal')
      this.adapters.push({
        index: this.#lastIndex,
        guid: `{${randomUUID().toUpperCase()}}`,
        switchId: made.id,
        alias: `vEthernet (${name})`,
        hasDhcp: true,
        metric: 15,
        nameServers: [],
        // As Windows lists for an adapter without IPv6 name servers.
        nameServers6: ['fec0:0:0:ffff::1', 'fec0:0:0:ffff::2', 'fec0:0:0:ffff::3'],
        looksUntilGuid: this.adapterLooks,
        looksUntilThere: this.adapterLooks,
        looksUntilInterface: this.adapterLooks,
        // What Windows gives itself as long as nobody else does.
        addresses: [{ address: '169.254.77.3', prefixLength: 16, looksUntilUsable: 0 }],
      });
    return made;
  }

  removeSwitch(id: string): void {
    this.switches.splice(this.#indexOf(id), 1);
    const at = this.adapters.findIndex(({ switchId }) => switchId === id);
    if (at !== -1) this.adapters.splice(at, 1);
  }

  snapshot(): HostObject {
    return {
      switches: this.switches.map(({ name, notes, type }) => ({ name, notes, type })),
      nats: [...this.nats],
      adapters: this.adapters.map(({ alias, hasDhcp, addresses }) => ({
        ...{ alias, hasDhcp },
        addresses: addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      })),
    };
  }

  handlers(): Handlers {
    return { ...this.#switchHandlers(), ...this.#addressHandlers(), ...this.#natHandlers() };
  }

  /** Instances of Win32_NetworkAdapterConfiguration. */
  configurations(): readonly HostObject[] {
    return this.adapters
      .filter((each) => (each.looksUntilThere -= 1) < 0)
      .map((each) => ({
        SettingID: each.guid,
        InterfaceIndex: each.index,
        Description: `${each.alias} Adapter`,
        DHCPEnabled: each.hasDhcp,
        IPEnabled: (each.looksUntilInterface -= 1) < 0,
        IPAddress: [...each.addresses.map(({ address }) => address), 'fe80::77'],
        IPSubnet: [
          ...each.addresses.map(({ prefixLength }) =>
            netmask({ network: parseIpv4('0.0.0.0'), prefixLength }),
          ),
          '64',
        ],
      }));
  }

  /** `Get-VMNetworkAdapter -ManagementOS`. */
  readonly hostPorts: Handler = (bound) => {
    const name = bound.optionalText('SwitchName');
    return this.switches.flatMap((each) => {
      const adapter = this.adapters.find(({ switchId }) => switchId === each.id);
      return adapter === undefined || (name !== undefined && name !== each.name)
        ? []
        : [{ ...{ Name: each.name, SwitchName: each.name }, DeviceId: this.#deviceIdOf(adapter) }];
    });
  };

  #deviceIdOf(adapter: SimulatedAdapter): string {
    return (adapter.looksUntilGuid -= 1) < 0 ? adapter.guid : '';
  }

  #switchHandlers(): Handlers {
    const rowOf = (each: SimulatedSwitch): HostObject => ({
      ...{ Id: each.id, Name: each.name, SwitchType: each.type, Notes: each.notes },
    });
    return {
      'Get-VMSwitch': (bound) => {
        if (!bound.has('Id')) return this.switches.map(rowOf);
        return [rowOf(this.switches[this.#indexOf(bound.text('Id').toLowerCase())]!)];
      },
      'New-VMSwitch': (bound) => [
        rowOf(
          this.addSwitch(bound.text('Name'), bound.optionalText('Notes') ?? '', bound.text('SwitchType')),
        ),
      ],
      'Remove-VMSwitch': (bound) => {
        const id = bound.object('VMSwitch')?.['Id'];
        const named = this.switches.find(({ name }) => name === bound.optionalText('Name'));
        this.removeSwitch(typeof id === 'string' ? id : (named?.id ?? ''));
        return [];
      },
    };
  }

  #addressHandlers(): Handlers {
    return {
      'Get-NetAdapter': (bound) =>
        this.adapters
          .filter((each) => (each.looksUntilThere -= 1) < 0)
          .filter(({ alias }) => [undefined, alias].includes(bound.optionalText('Name')))
          .map(({ index, guid, alias }) => ({
            ...{ InterfaceIndex: index, InterfaceGuid: guid, Name: alias, Status: 'Up' },
            InterfaceDescription: `${alias} Adapter`,
          })),
      'Get-NetIPInterface': () =>
        this.adapters
          .filter((each) => (each.looksUntilInterface -= 1) < 0)
          .map(({ index, alias, hasDhcp, metric }) => ({
            InterfaceIndex: index,
            InterfaceAlias: alias,
            InterfaceMetric: metric,
            ConnectionState: 'Connected',
            Dhcp: hasDhcp ? 'Enabled' : 'Disabled',
          })),
      'Get-DnsClientGlobalSetting': () => [{ SuffixSearchList: this.searchList }],
      'Get-DnsClient': () =>
        this.adapters.map(({ index, alias, suffix = '' }) => ({
          InterfaceIndex: index,
          InterfaceAlias: alias,
          ConnectionSpecificSuffix: suffix,
        })),
      'Get-DnsClientServerAddress': () =>
        this.adapters.flatMap(({ index, alias, nameServers, nameServers6 }) =>
          [nameServers, nameServers6].map((ServerAddresses, family) => ({
            InterfaceIndex: index,
            InterfaceAlias: alias,
            AddressFamily: family === 0 ? 2 : 23,
            ServerAddresses,
          })),
        ),
      'Get-NetIPAddress': (bound) =>
        this.adapters.flatMap(({ index, alias, addresses }) =>
          addresses
            .filter(({ address }) => [undefined, address].includes(bound.optionalText('IPAddress')))
            .map((each) => {
              each.looksUntilUsable -= 1;
              return {
                ...{ InterfaceIndex: index, InterfaceAlias: alias, IPAddress: each.address },
                PrefixLength: each.prefixLength,
                AddressState: each.looksUntilUsable >= 0 ? 'Tentative' : 'Preferred',
              };
            }),
        ),
      'Set-NetIPInterface': (bound) => {
        const adapter = this.#adapterOf(bound);
        adapter.hasDhcp = bound.text('Dhcp') === 'Enabled';
        if (!adapter.hasDhcp) adapter.addresses = adapter.addresses.filter(({ address }) => !isOwn(address));
        return [];
      },
      'New-NetIPAddress': (bound) => {
        const adapter = this.#adapterOf(bound);
        const address = bound.text('IPAddress');
        // "Inconsistent parameters PolicyStore PersistentStore and Dhcp Enabled"
        if (adapter.hasDhcp) throw invalidParameter();
        if (this.adapters.some(({ addresses }) => addresses.some((each) => each.address === address)))
          throw alreadyExists(address);
        const prefixLength = bound.number('PrefixLength');
        adapter.addresses.push({ address, prefixLength, looksUntilUsable: this.tentativeLooks });
        return [];
      },
      'Remove-NetIPAddress': (bound) => {
        const adapter = this.#adapterOf(bound);
        const address = bound.text('IPAddress');
        const at = adapter.addresses.findIndex((each) => each.address === address);
        if (at === -1) throw queryNotFound('IPAddress', address);
        adapter.addresses.splice(at, 1);
        return [];
      },
    };
  }

  #natHandlers(): Handlers {
    const rowOf = ({ name, prefix }: { name: string; prefix: string }): HostObject => ({
      ...{ Name: name, InternalIPInterfaceAddressPrefix: prefix, Active: true },
    });
    return {
      'Get-NetConnectionProfile': () => [{ InterfaceAlias: 'Ethernet', NetworkCategory: 'Public' }],
      'Get-NetNat': () => this.nats.map(rowOf),
      'New-NetNat': (bound) => {
        if (this.nats.length > 0 && !this.takesSeveralNats) throw invalidParameter();
        const made = { name: bound.text('Name'), prefix: bound.text('InternalIPInterfaceAddressPrefix') };
        this.nats.push(made);
        return [rowOf(made)];
      },
      'Remove-NetNat': (bound) => {
        if (!bound.has('Name')) throw new Error('this would remove every NAT network of the host');
        const at = this.nats.findIndex(({ name }) => name === bound.text('Name'));
        if (at === -1) throw queryNotFound('Name', bound.text('Name'));
        this.nats.splice(at, 1);
        return [];
      },
    };
  }

  #adapterOf(bound: Bound): SimulatedAdapter {
    const found = this.adapters.find(({ index }) => index === bound.number('InterfaceIndex'));
    if (found === undefined) throw queryNotFound('InterfaceIndex', bound.number('InterfaceIndex'));
    return found;
  }

  #indexOf(id: string): number {
    const at = this.switches.findIndex((each) => each.id === id);
    if (at === -1) throw new HostFailure({ ...notFound(id).failure, errorId: 'InvalidParameter' });
    return at;
  }
}

function isOwn(address: string): boolean {
  return address.startsWith('169.254.');
}
