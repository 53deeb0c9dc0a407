import type { HostObject } from '../pwsh-host/stub-calls.js';
import type { Handlers } from './bound.js';
import { notFound } from './host-failure.js';

/**
 * What a Windows host says of itself; a healthy Windows 11 Pro unless a test changes it, with the connection
 * sharing that its Default Switch has.
 */
export class SimulatedSystem {
  readonly cim = new Map<string, readonly HostObject[]>([
    [
      'Win32_OperatingSystem',
      [
        {
          ...{ Caption: 'Microsoft Windows 11 Pro', BuildNumber: '22631', OperatingSystemSKU: 48 },
          FreePhysicalMemory: 9_000_000,
        },
      ],
    ],
    ['Win32_ComputerSystem', [{ HypervisorPresent: true, Manufacturer: 'LENOVO', Model: '20XW' }]],
    [
      'Win32_Processor',
      [
        {
          ...{ Architecture: 9, VirtualizationFirmwareEnabled: false },
          SecondLevelAddressTranslationExtensions: false,
        },
      ],
    ],
    ['Win32_Group', []],
  ]);
  feature: string | undefined = 'Enabled';
  readonly services: {
    readonly Name: string;
    State: string;
    StartMode: string;
    readonly ProcessId: number;
    /** Its account, and its command line. */
    readonly StartName?: string;
    readonly PathName?: string;
  }[] = [
    { Name: 'vmms', State: 'Running', StartMode: 'Auto', ProcessId: 1_100 },
    { Name: 'LanmanServer', State: 'Running', StartMode: 'Auto', ProcessId: 1_200 },
    { Name: 'SharedAccess', State: 'Running', StartMode: 'Manual', ProcessId: 1_300 },
  ];
  readonly processes: HostObject[] = [
    { Id: 4, Name: 'System' },
    { Id: 1_200, Name: 'svchost' },
    { Id: 1_300, Name: 'svchost' },
  ];
  readonly tcpListeners: HostObject[] = [{ LocalAddress: '::', LocalPort: 445, OwningProcess: 4 }];
  readonly udpEndpoints: HostObject[] = [
    { LocalAddress: '0.0.0.0', LocalPort: 5_353, OwningProcess: 1_200 },
    // The Default Switch's name server.
    { LocalAddress: '0.0.0.0', LocalPort: 53, OwningProcess: 1_300 },
  ];
  readonly routes: HostObject[] = [
    { DestinationPrefix: '0.0.0.0/0', InterfaceAlias: 'Ethernet' },
    { DestinationPrefix: '192.168.1.0/24', InterfaceAlias: 'Ethernet' },
    { DestinationPrefix: '10.0.75.0/24', InterfaceAlias: 'vEthernet (mobyvm)' },
  ];

  cimRows(className: string, filter: string | undefined): readonly HostObject[] | undefined {
    const [, name] = /^Name = '(.+)'$/.exec(filter ?? '') ?? [];
    if (className === 'Win32_Service')
      return this.services.filter((each) => name === undefined || each.Name === name);
    return this.cim.get(className);
  }

  handlers(): Handlers {
    return {
      'Get-WindowsOptionalFeature': (bound) => {
        if (this.feature === undefined) throw notFound(bound.text('FeatureName'));
        return [{ FeatureName: bound.text('FeatureName'), State: this.feature }];
      },
      'Get-Service': (bound) => {
        const name = bound.optionalText('Name');
        return this.services
          .filter(({ Name }) => name === undefined || Name === name)
          .map(({ Name, State, StartMode }) => ({ Name, Status: State, StartType: StartMode }));
      },
      'Start-Service': (bound) => {
        const found = this.services.find(({ Name }) => Name === bound.text('Name'));
        if (found === undefined) throw notFound(bound.text('Name'));
        found.State = 'Running';
        return [];
      },
      'Get-Process': () => this.processes,
      'Get-NetTCPConnection': () => this.tcpListeners,
      'Get-NetUDPEndpoint': () => this.udpEndpoints,
      'Get-NetRoute': () => this.routes,
    };
  }
}
