import { run } from '../../core/host/index.js';
import { VIRTUALIZATION_NAMESPACE } from '../../core/values/index.js';
import { readItems, type KvpPool } from '../../kvp/index.js';
import {
  cmdlet,
  type CmdletCall,
  type Fields,
  type Pipeline,
  type PowerShell,
  type Row,
} from '../../powershell/index.js';
import { isTagged } from '../../vm/index.js';
import type { Evidence, Probe, ProbeGroup } from './probe.js';

interface Table {
  readonly id: string;
  readonly title: string;
  readonly group: ProbeGroup;
  readonly pipeline: Pipeline;
  readonly fields: Fields;
}

const SECONDS = 15;
const PROGRAM_SECONDS = 10;

/** Tables that PowerShell reads; on a host without its modules each says so. */
const TABLES: readonly Table[] = [
  row(['vms', 'Virtual machines', 'vm'], [cmdlet('Get-VM')], {
    ...({ Name: 'text', Id: 'text', State: 'text', Status: 'text', Generation: 'number' } as const),
    ...({ ProcessorCount: 'number', MemoryAssigned: 'number', MemoryStartup: 'number' } as const),
    ...({ 'HardDrives.Path': 'texts', 'DVDDrives.Path': 'texts', 'ComPort1.Path': 'text' } as const),
    ...({ 'NetworkAdapters.SwitchName': 'texts', 'NetworkAdapters.MacAddress': 'texts' } as const),
    'NetworkAdapters.IPAddresses': 'texts',
    'VMIntegrationService.Name': 'texts',
    'VMIntegrationService.Enabled': 'texts',
  }),
  row(['switches', 'Switches', 'network'], [cmdlet('Get-VMSwitch')], {
    ...({ Name: 'text', Id: 'text', SwitchType: 'text', NetAdapterInterfaceDescription: 'text' } as const),
  }),
  row(['nat', 'NAT networks', 'network'], [cmdlet('Get-NetNat')], {
    ...({ Name: 'text', InternalIPInterfaceAddressPrefix: 'text', Active: 'text' } as const),
  }),
  row(['adapters', 'Network adapters', 'network'], [cmdlet('Get-NetAdapter')], {
    ...({ Name: 'text', InterfaceDescription: 'text', InterfaceIndex: 'number', Status: 'text' } as const),
  }),
  row(['addresses', 'Addresses', 'network'], [cmdlet('Get-NetIPAddress')], {
    ...({ IPAddress: 'text', PrefixLength: 'number', InterfaceAlias: 'text', AddressState: 'text' } as const),
  }),
  row(['routes', 'Routes', 'network'], [cmdlet('Get-NetRoute')], {
    ...({
      DestinationPrefix: 'text',
      NextHop: 'text',
      InterfaceAlias: 'text',
      RouteMetric: 'number',
    } as const),
  }),
  row(['interfaces', 'Interfaces', 'network'], [cmdlet('Get-NetIPInterface', { AddressFamily: 'IPv4' })], {
    ...({ InterfaceAlias: 'text', Forwarding: 'text', NlMtu: 'number', InterfaceMetric: 'number' } as const),
  }),
  row(['tcp-ports', 'TCP ports in use', 'network'], [cmdlet('Get-NetTCPConnection', { State: 'Listen' })], {
    ...({ LocalAddress: 'text', LocalPort: 'number', OwningProcess: 'number' } as const),
  }),
  row(['udp-ports', 'UDP ports in use', 'network'], [cmdlet('Get-NetUDPEndpoint')], {
    ...({ LocalAddress: 'text', LocalPort: 'number', OwningProcess: 'number' } as const),
  }),
  row(['processes', 'Processes', 'host'], [cmdlet('Get-Process')], { Id: 'number', Name: 'text' }),
  row(
    ['firewall', 'Firewall profiles', 'network'],
    [cmdlet('Get-NetFirewallProfile', { PolicyStore: 'ActiveStore' })],
    {
      ...({
        Name: 'text',
        Enabled: 'text',
        AllowInboundRules: 'text',
        AllowLocalFirewallRules: 'text',
      } as const),
    },
  ),
  row(
    ['firewall-rules', "mobyvm's firewall rules", 'network'],
    [cmdlet('Get-NetFirewallRule', { Name: ['mobyvm-*'] })],
    {
      ...({ Name: 'text', Enabled: 'text', Direction: 'text', Action: 'text', Profile: 'text' } as const),
    },
  ),
  row(['profiles', 'Network profiles', 'network'], [cmdlet('Get-NetConnectionProfile')], {
    ...({ InterfaceAlias: 'text', NetworkCategory: 'text' } as const),
  }),
  row(['dns-servers', 'DNS servers', 'names'], [cmdlet('Get-DnsClientServerAddress')], {
    ...({ InterfaceAlias: 'text', ServerAddresses: 'texts' } as const),
  }),
  row(['smb-shares', 'SMB shares', 'shares'], [cmdlet('Get-SmbShare')], {
    ...({ Name: 'text', Path: 'text', Description: 'text' } as const),
  }),
  row(['services', 'Services', 'host'], [cmdlet('Get-CimInstance', { ClassName: 'Win32_Service' })], {
    ...({ Name: 'text', State: 'text', StartMode: 'text', ProcessId: 'number', ExitCode: 'number' } as const),
  }),
  row(['system', 'System', 'host'], [cmdlet('Get-CimInstance', { ClassName: 'Win32_OperatingSystem' })], {
    ...({ Caption: 'text', Version: 'text', BuildNumber: 'text', LastBootUpTime: 'text' } as const),
    ...({ FreePhysicalMemory: 'number', TotalVisibleMemorySize: 'number' } as const),
  }),
  row(
    ['file-systems', 'Disk space', 'host'],
    [cmdlet('Get-CimInstance', { ClassName: 'Win32_LogicalDisk' })],
    {
      ...({ DeviceID: 'text', FileSystem: 'text', Size: 'number', FreeSpace: 'number' } as const),
    },
  ),
];

/** The same without PowerShell, in the language of the system: for when that is what does not work. */
const PROGRAMS = [
  ['ipconfig', 'Addresses, by ipconfig', 'network', 'ipconfig', '/all'],
  ['route-print', 'Routes, by route', 'network', 'route', 'print'],
  ['netstat', 'Ports, by netstat', 'network', 'netstat', '-ano'],
  [
    'reserved-tcp',
    'Reserved TCP ports',
    'network',
    'netsh',
    'interface',
    'ipv4',
    'show',
    'excludedportrange',
    'tcp',
  ],
  [
    'reserved-udp',
    'Reserved UDP ports',
    'network',
    'netsh',
    'interface',
    'ipv4',
    'show',
    'excludedportrange',
    'udp',
  ],
] as const satisfies readonly (readonly [string, string, ProbeGroup, string, ...string[]])[];

export interface WindowsProbesOptions {
  readonly powerShell: Pick<PowerShell, 'read'>;
  /** Absolute path of a program that comes with Windows. */
  readonly systemProgram: (name: string) => string;
}

export function windowsProbes({ powerShell, systemProgram }: WindowsProbesOptions): readonly Probe[] {
  return [
    ...TABLES.map(({ pipeline, fields, ...named }) => ({
      ...named,
      seconds: SECONDS,
      lane: 'powershell',
      look: async (signal: AbortSignal) => ({
        data: await powerShell.read({ pipeline, fields }, { signal, timeoutSeconds: SECONDS }),
      }),
    })),
    {
      ...{ id: 'hyperv-kvp', title: 'Key-value items, by Hyper-V', group: 'vm' },
      ...{ seconds: SECONDS, lane: 'powershell' },
      look: (signal) => machineItems(powerShell, signal),
    },
    ...PROGRAMS.map(([id, title, group, name, ...args]) => ({
      id,
      title,
      group,
      seconds: PROGRAM_SECONDS,
      look: async (signal: AbortSignal) => {
        const { stdout, stderr } = await run(systemProgram(name), args, { signal });
        return { text: `${stdout}${stderr}` };
      },
    })),
  ];
}

/** What the guest set, for when the daemon cannot be asked; the host's own items hold its secrets. */
async function machineItems(powerShell: Pick<PowerShell, 'read'>, signal: AbortSignal): Promise<Evidence> {
  const read = <F extends Fields>(call: CmdletCall, fields: F): Promise<readonly Row<F>[]> =>
    powerShell.read({ pipeline: [call], fields }, { signal, timeoutSeconds: SECONDS });
  const machines = await read(cmdlet('Get-VM'), { Id: 'text', Name: 'text', Notes: 'text' });
  const own = machines.filter(({ Notes = '' }) => isTagged(Notes));
  if (own.length === 0) return { absent: 'Hyper-V has no machine of mobyvm' };
  const data = [];
  for (const { Id = '', Name } of own) {
    const [found] = await read(
      cmdlet('Get-CimInstance', {
        ...{ Namespace: VIRTUALIZATION_NAMESPACE, ClassName: 'Msvm_KvpExchangeComponent' },
        // WMI writes GUIDs in upper case.
        Filter: `SystemName = '${Id.toUpperCase()}'`,
      }),
      { GuestExchangeItems: 'texts', GuestIntrinsicExchangeItems: 'texts' },
    );
    const items = (texts: readonly string[] = [], pool: KvpPool) => readItems(texts, pool).found;
    data.push({
      machine: Name,
      guest: items(found?.GuestExchangeItems, 'guest'),
      intrinsic: items(found?.GuestIntrinsicExchangeItems, 'intrinsic'),
    });
  }
  return { data };
}

function row(
  [id, title, group]: readonly [string, string, ProbeGroup],
  pipeline: Pipeline,
  fields: Fields,
): Table {
  return { id, title, group, pipeline, fields };
}
