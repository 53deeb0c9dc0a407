import type { CmdletTable } from './kinds.js';

/** The network of the host: modules NetNat, NetTCPIP, NetAdapter, NetConnection, DnsClient. */
export const HOST_NETWORK = {
  'New-NetNat': {
    module: 'NetNat',
    confirms: true,
    parameters: {
      ExternalIPInterfaceAddressPrefix: 'text',
      InternalIPInterfaceAddressPrefix: 'text',
      InternalRoutingDomainId: 'text',
      Name: 'text',
    },
    sets: {
      all: 'Name! ExternalIPInterfaceAddressPrefix InternalRoutingDomainId InternalIPInterfaceAddressPrefix',
    },
  },
  'Get-NetNat': {
    module: 'NetNat',
    confirms: false,
    parameters: {
      Name: 'texts',
    },
    sets: {
      all: 'Name',
    },
  },
  'Remove-NetNat': {
    module: 'NetNat',
    confirms: true,
    parameters: {
      InputObject: 'objects',
      Name: 'texts',
      PassThru: 'switch',
    },
    input: ['InputObject'],
    sets: {
      'Query (cdxml)': 'Name PassThru',
      'InputObject (cdxml)': 'InputObject! PassThru',
    },
    defaultSet: 'Query (cdxml)',
  },
  'New-NetIPAddress': {
    module: 'NetTCPIP',
    confirms: true,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      DefaultGateway: 'text',
      IPAddress: 'text',
      InterfaceAlias: 'text',
      InterfaceIndex: 'number',
      PolicyStore: 'text',
      PrefixLength: 'number',
      SkipAsSource: 'boolean',
      Type: ['Unicast', 'Anycast'],
    },
    sets: {
      ByInterfaceAlias:
        'IPAddress! InterfaceAlias! DefaultGateway AddressFamily Type PrefixLength SkipAsSource PolicyStore',
      ByInterfaceIndex:
        'IPAddress! DefaultGateway AddressFamily Type PrefixLength SkipAsSource PolicyStore InterfaceIndex!',
    },
    defaultSet: 'ByInterfaceAlias',
  },
  'Get-NetIPAddress': {
    module: 'NetTCPIP',
    confirms: false,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      IPAddress: 'texts',
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      PolicyStore: 'text',
      PrefixLength: 'numbers',
    },
    sets: {
      all: 'IPAddress InterfaceIndex InterfaceAlias AddressFamily PrefixLength PolicyStore',
    },
  },
  'Set-NetIPAddress': {
    module: 'NetTCPIP',
    confirms: true,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      IPAddress: 'texts',
      InputObject: 'objects',
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      PassThru: 'switch',
      PrefixLength: 'number',
      SkipAsSource: 'boolean',
    },
    input: ['InputObject'],
    sets: {
      'Query (cdxml)':
        'IPAddress InterfaceIndex InterfaceAlias AddressFamily PrefixLength SkipAsSource PassThru',
      'InputObject (cdxml)': 'InputObject! PrefixLength SkipAsSource PassThru',
    },
    defaultSet: 'Query (cdxml)',
  },
  'Remove-NetIPAddress': {
    module: 'NetTCPIP',
    confirms: true,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      IPAddress: 'texts',
      InputObject: 'objects',
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      PassThru: 'switch',
      PolicyStore: 'text',
      PrefixLength: 'numbers',
    },
    input: ['InputObject'],
    sets: {
      'Query (cdxml)':
        'IPAddress InterfaceIndex InterfaceAlias AddressFamily PrefixLength PolicyStore PassThru',
      'InputObject (cdxml)': 'InputObject! PassThru',
    },
    defaultSet: 'Query (cdxml)',
  },
  'Get-NetIPInterface': {
    module: 'NetTCPIP',
    confirms: false,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      ConnectionState: ['Disconnected', 'Connected'],
      Dhcp: ['Disabled', 'Enabled'],
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      InterfaceMetric: 'numbers',
      PolicyStore: 'text',
    },
    sets: {
      ByName: 'InterfaceIndex InterfaceAlias AddressFamily InterfaceMetric Dhcp ConnectionState PolicyStore',
      ByRoute: '',
      ByIPAddress: '',
      ByNeighbor: '',
      ByAdapter: '',
    },
    defaultSet: 'ByName',
  },
  'Set-NetIPInterface': {
    module: 'NetTCPIP',
    confirms: true,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      AutomaticMetric: ['Disabled', 'Enabled'],
      Dhcp: ['Disabled', 'Enabled'],
      Forwarding: ['Disabled', 'Enabled'],
      InputObject: 'objects',
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      InterfaceMetric: 'number',
      NlMtuBytes: 'number',
      PassThru: 'switch',
      PolicyStore: 'text',
    },
    input: ['InputObject'],
    sets: {
      ByName:
        'InterfaceIndex InterfaceAlias AddressFamily PolicyStore Forwarding NlMtuBytes InterfaceMetric Dhcp AutomaticMetric PassThru',
      'InputObject (cdxml)':
        'InputObject! Forwarding NlMtuBytes InterfaceMetric Dhcp AutomaticMetric PassThru',
    },
    defaultSet: 'ByName',
  },
  'Get-NetRoute': {
    module: 'NetTCPIP',
    confirms: false,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      DestinationPrefix: 'texts',
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      NextHop: 'texts',
      PolicyStore: 'text',
    },
    sets: {
      all: 'DestinationPrefix InterfaceIndex InterfaceAlias NextHop AddressFamily PolicyStore',
    },
  },
  'Get-NetTCPConnection': {
    module: 'NetTCPIP',
    confirms: false,
    parameters: {
      LocalAddress: 'texts',
      LocalPort: 'numbers',
      OwningProcess: 'numbers',
      State: [
        'Closed',
        'Listen',
        'SynSent',
        'SynReceived',
        'Established',
        'FinWait1',
        'FinWait2',
        'CloseWait',
        'Closing',
        'LastAck',
        'TimeWait',
        'DeleteTCB',
        'Bound',
      ],
    },
    sets: {
      all: 'LocalAddress LocalPort State OwningProcess',
    },
  },
  'Get-NetUDPEndpoint': {
    module: 'NetTCPIP',
    confirms: false,
    parameters: {
      CreationTime: 'date',
      LocalAddress: 'texts',
      LocalPort: 'numbers',
      OwningProcess: 'numbers',
    },
    sets: {
      all: 'LocalAddress LocalPort OwningProcess CreationTime',
    },
  },
  'Get-NetAdapter': {
    module: 'NetAdapter',
    confirms: false,
    parameters: {
      IncludeHidden: 'switch',
      InterfaceDescription: 'texts',
      InterfaceIndex: 'numbers',
      Name: 'texts',
      Physical: 'switch',
    },
    sets: {
      ByName: 'Name IncludeHidden Physical',
      ByInstanceID: 'InterfaceDescription! IncludeHidden Physical',
      ByIfIndex: 'InterfaceIndex! IncludeHidden Physical',
    },
    defaultSet: 'ByName',
  },
  'Get-NetConnectionProfile': {
    module: 'NetConnection',
    confirms: false,
    parameters: {
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      Name: 'texts',
      NetworkCategory: ['Public', 'Private', 'DomainAuthenticated'],
    },
    sets: {
      all: 'Name InterfaceAlias InterfaceIndex NetworkCategory',
    },
  },
  'Set-NetConnectionProfile': {
    module: 'NetConnection',
    confirms: true,
    parameters: {
      InputObject: 'objects',
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
      Name: 'texts',
      NetworkCategory: ['Public', 'Private', 'DomainAuthenticated'],
      PassThru: 'switch',
    },
    input: ['InputObject'],
    sets: {
      'Query (cdxml)': 'Name InterfaceAlias InterfaceIndex NetworkCategory PassThru',
      'InputObject (cdxml)': 'InputObject! NetworkCategory PassThru',
    },
    defaultSet: 'Query (cdxml)',
  },
  'Get-DnsClient': {
    module: 'DnsClient',
    confirms: false,
    parameters: {
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
    },
    sets: {
      all: 'InterfaceIndex InterfaceAlias',
    },
  },
  'Get-DnsClientGlobalSetting': {
    module: 'DnsClient',
    confirms: false,
    parameters: {},
    sets: {
      all: '',
    },
  },
  'Get-DnsClientServerAddress': {
    module: 'DnsClient',
    confirms: false,
    parameters: {
      AddressFamily: ['IPv4', 'IPv6'],
      InterfaceAlias: 'texts',
      InterfaceIndex: 'numbers',
    },
    sets: {
      all: 'InterfaceIndex InterfaceAlias AddressFamily',
    },
  },
} as const satisfies CmdletTable;
