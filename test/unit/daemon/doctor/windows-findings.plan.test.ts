import { describe, expect, it } from 'vitest';
import { parseSubnet } from '../../../../src/core/values/index.js';
import type { WindowsFacts } from '../../../../src/daemon/doctor/windows-facts.js';
import { windowsFindings } from '../../../../src/daemon/doctor/windows-findings.plan.js';
import type { HostNetworks } from '../../../../src/vm/index.js';

const wants = {
  settings: { known: { memoryMiB: 2_048, subnet: parseSubnet('10.0.75.0/24') } },
  machineSubnet: { known: 'none' as const },
  switchName: 'mobyvm',
  machineFolder: 'C:\\ProgramData\\mobyvm\\vm',
  program: 'C:\\mobyvm\\node.exe',
  daemonRuns: false,
};
const HEALTHY: WindowsFacts = {
  isElevated: { known: true },
  shell: {
    known: {
      version: '5.1.22621.2506',
      edition: 'Desktop',
      languageMode: 'FullLanguage',
      executionPolicy: 'RemoteSigned',
    },
  },
  modules: { known: [] },
  system: { known: { caption: 'Microsoft Windows 11 Pro', build: 22_631, sku: 48, freeMemoryMiB: 8_000 } },
  hypervisor: {
    known: {
      isPresent: true,
      computer: 'LENOVO 20XW',
      firmwareVirtualization: false,
      slat: false,
      architecture: 9,
    },
  },
  feature: { known: 'Enabled' },
  launchType: { known: 'Auto' },
  service: { known: { state: 'Running', startMode: 'Auto' } },
  wmi: { known: true },
  machines: { known: [] },
  freeDiskGiB: { known: 100 },
  listeners: {
    known: [{ protocol: 'TCP', address: '::', port: 445, process: 'System', isOurs: false, services: [] }],
  },
  reservedPorts: { known: { tcp: [{ first: 50_000, last: 50_059 }], udp: [] } },
  ...routes(
    ['0.0.0.0/0', 'Ethernet'],
    ['10.0.75.0/24', 'vEthernet (mobyvm)'],
    ['10.0.75.1/32', 'vEthernet (mobyvm)'],
  ),
  nats: { known: [{ name: 'mobyvm-0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11', prefix: '10.0.75.0/24' }] },
  firewall: { known: 'takes rules' },
  blockingRules: { known: [] },
  adapters: { known: [{ name: 'Ethernet', description: 'Intel(R) I219', isUp: true }] },
  dockerDesktop: { known: { isInstalled: false, isRunning: false } },
  pipes: { known: ['lsass'] },
};
const vmms = (state: string, startMode: string): Partial<WindowsFacts> => ({
  service: { known: { state, startMode } },
});
const hypervisor = (firmwareVirtualization: boolean, slat: boolean): Partial<WindowsFacts> => ({
  hypervisor: {
    known: { isPresent: false, computer: 'LENOVO 20XW', firmwareVirtualization, slat, architecture: 9 },
  },
});
const system = (more: object): Partial<WindowsFacts> => ({
  system: { known: { caption: 'Windows', build: 22_631, sku: 48, freeMemoryMiB: 8_000, ...more } },
});
const listener = (
  protocol: 'TCP' | 'UDP',
  address: string,
  port: number,
  services: readonly string[] = [],
): Partial<WindowsFacts> => ({
  listeners: { known: [{ protocol, address, port, process: 'dns', isOurs: false, services }] },
});

const KNOWN_HYPERVISOR = {
  ...{ isPresent: true, computer: 'LENOVO 20XW', architecture: 9 },
  ...{ firmwareVirtualization: false, slat: false },
};

describe('doctor on Windows', () => {
  it('finds nothing to fix on a healthy host', () => {
    const findings = windowsFindings(HEALTHY, wants);
    expect(findings.filter(({ verdict }) => verdict !== 'fine')).toEqual([]);
    expect(findings.map(({ id }) => id)).toEqual([
      ...[
        'rights',
        'windows',
        'processor',
        'powershell',
        'powershell-modules',
        'memory',
        'disk',
        'docker-desktop',
        'pipes',
      ],
      ...['hyperv-feature', 'hypervisor', 'hypervisor-launch', 'vmms', 'wmi', 'twin-vm'],
      ...['subnet', 'nat', 'firewall', 'firewall-blocks', 'ports', 'reserved-ports', 'vpn'],
    ]);
  });

  it.each<[string, Partial<WindowsFacts>, string, string, RegExp, RegExp]>([
    [
      'no administrative rights',
      { isElevated: { known: false } },
      'rights',
      'notice',
      /checks that need/,
      /elevated terminal/,
    ],
    ['a Home edition', system({ sku: 101 }), 'windows', 'problem', /no Hyper-V/, /Pro, Enterprise/],
    ['an old build', system({ build: 14_393 }), 'windows', 'problem', /too old/, /17763/],
    ['little memory', system({ freeMemoryMiB: 900 }), 'memory', 'problem', /900 MiB/, /vm\.memoryMiB/],
    ['little disk', { freeDiskGiB: { known: 1.2 } }, 'disk', 'problem', /1\.2 GiB/, /Free some space/],
    [
      'a policy',
      { shell: { unknown: 'it did not answer', remedy: 'Ask your administrator.' } },
      ...(['powershell', 'problem', /cannot be used: it did not answer/, /administrator/] as const),
    ],
    [
      'a feature that is off',
      { feature: { known: 'Disabled' } },
      'hyperv-feature',
      'problem',
      /Disabled/,
      /Enable-Windows/,
    ],
    [
      'a pending restart',
      { feature: { known: 'EnablePending' } },
      'hyperv-feature',
      'problem',
      /restart/,
      /Restart Windows/,
    ],
    ['an old processor', hypervisor(true, false), 'hypervisor', 'problem', /SLAT/, /processor/],
    [
      'virtualization disabled in the firmware',
      hypervisor(false, true),
      'hypervisor',
      'problem',
      /firmware/,
      /VT-x.*nested/,
    ],
    [
      'a hypervisor that does not run',
      hypervisor(true, true),
      'hypervisor',
      'problem',
      /not running/,
      /launch type/,
    ],
    [
      'a launch type of Off',
      { launchType: { known: 'Off' } },
      'hypervisor-launch',
      'problem',
      /off/,
      /bcdedit/,
    ],
    [
      'nested virtualization',
      {
        hypervisor: {
          known: {
            ...{ isPresent: true, computer: 'Microsoft Corporation Virtual Machine' },
            ...{ firmwareVirtualization: false, slat: false, architecture: 9 },
          },
        },
      },
      ...(['hypervisor', 'notice', /Virtual Machine\)/, /ExposeVirtualizationExtensions/] as const),
    ],
    ['no service', { service: { known: 'absent' } }, 'vmms', 'problem', /does not exist/, /Enable-Windows/],
    ['a disabled service', vmms('Stopped', 'Disabled'), 'vmms', 'problem', /disabled/, /Set-Service/],
    ['a stopped service', vmms('Stopped', 'Auto'), 'vmms', 'problem', /Stopped/, /Start-Service/],
    [
      'an inaccessible WMI',
      { wmi: { unknown: 'Zugriff verweigert' } },
      'wmi',
      'problem',
      /verweigert/,
      /elevated/,
    ],
    [
      'a route of a VPN',
      routes(['10.0.0.0/8', 'corp']),
      ...(['subnet', 'problem', /10\.0\.0\.0\/8 by corp/, /network\.subnet/] as const),
    ],
    [
      'routes that cover every subnet',
      routes(['10.0.0.0/8', 'corp'], ['172.16.0.0/12', 'corp'], ['192.168.0.0/16', 'corp']),
      ...([
        'subnet',
        'problem',
        /in use on this host: route to 10\.0\.0\.0\/8/,
        /not use otherwise/,
      ] as const),
    ],
    [
      'a foreign NAT network',
      { nats: { known: [{ name: 'lab', prefix: '192.168.0.0/24' }] } },
      ...(['nat', 'notice', /"lab" for 192/, /network\.nat/] as const),
    ],
    [
      'a DNS server',
      listener('UDP', '0.0.0.0', 53),
      'ports',
      'problem',
      /UDP 53 is in use by dns/,
      /other addresses/,
    ],
    [
      'Internet Connection Sharing',
      listener('UDP', '0.0.0.0', 53, ['SharedAccess']),
      'ports',
      'notice',
      /SharedAccess.*has UDP 53 on every address/,
      /10\.0\.75\.1 alone\. Leave the service running/,
    ],
    [
      'an ARM processor',
      { hypervisor: { known: { ...KNOWN_HYPERVISOR, architecture: 12 } } },
      ...(['processor', 'problem', /ARM64/, /Intel or AMD/] as const),
    ],
    [
      'a rule that blocks the program',
      { blockingRules: { known: [{ name: 'TCP Query {1}', title: 'node.exe' }] } },
      'firewall-blocks',
      'problem',
      /"node\.exe" blocks what comes in to C:\\mobyvm\\node\.exe/,
      /Remove-NetFirewallRule -Name 'TCP Query \{1\}'$/,
    ],
    [
      'a missing module',
      { modules: { known: [{ name: 'Hyper-V', state: 'missing' }] } },
      ...(['powershell-modules', 'problem', /Hyper-V is missing/, /Management-PowerShell/] as const),
    ],
    [
      'a policy against scripts',
      { modules: { known: [{ name: 'NetNat', state: 'forbidden' }] } },
      ...(['powershell-modules', 'problem', /policy.*NetNat/, /CryptSvc/] as const),
    ],
    [
      'a DHCP server on our address',
      listener('UDP', '10.0.75.1', 67),
      'ports',
      'problem',
      /UDP 67/,
      /Stop that/,
    ],
    [
      'a DNS server elsewhere, and no SMB',
      listener('UDP', '192.168.1.2', 53),
      'ports',
      'notice',
      /445/,
      /LanmanServer/,
    ],
    [
      'a policy that disables local firewall rules',
      { firewall: { known: 'takes no rules of this machine' } },
      ...(['firewall', 'notice', /policy.*Public/, /UDP 53.*"vEthernet \(mobyvm\)"/] as const),
    ],
    [
      'a firewall that blocks all incoming connections',
      { firewall: { known: 'takes no rules' } },
      ...(['firewall', 'notice', /blocks all incoming/, /-AllowInboundRules True/] as const),
    ],
    [
      'a reserved DNS port',
      { reservedPorts: { known: { tcp: [], udp: [{ first: 50, last: 60 }] } } },
      ...(['reserved-ports', 'problem', /UDP 53/, /protocol=udp/] as const),
    ],
    [
      'a feature that the next restart disables',
      { feature: { known: 'DisablePending' } },
      ...(['hyperv-feature', 'problem', /disabled by the next restart/, /Enable-Windows/] as const),
    ],
    [
      'a GlobalProtect adapter',
      {
        adapters: {
          known: [{ name: 'x', description: 'PANGP Virtual Ethernet Adapter Secure', isUp: true }],
        },
      },
      ...(['vpn', 'notice', /PANGP/, /mtuBytes/] as const),
    ],
    [
      'a per-user Docker Desktop',
      { dockerDesktop: { known: { isInstalled: false, isRunning: true } } },
      ...(['docker-desktop', 'notice', /is running/, /docker_engine/] as const),
    ],
    [
      'a reserved range',
      { reservedPorts: { known: { tcp: [{ first: 8_000, last: 8_099 }], udp: [] } } },
      ...(['reserved-ports', 'notice', /8000, 8080/, /winnat/] as const),
    ],
    [
      'a VPN',
      { adapters: { known: [{ name: 'corp', description: 'Cisco AnyConnect Adapter', isUp: true }] } },
      ...(['vpn', 'notice', /AnyConnect/, /mtuBytes/] as const),
    ],
    [
      'Docker Desktop',
      { dockerDesktop: { known: { isInstalled: true, isRunning: true } } },
      ...(['docker-desktop', 'notice', /is running/, /docker_engine/] as const),
    ],
    [
      'an existing engine pipe',
      { pipes: { known: ['docker_engine'] } },
      'pipes',
      'notice',
      /already exists/,
      /DOCKER_HOST/,
    ],
  ])('%s', (_, facts, ...[id, verdict, detail, remedy]) => {
    const changed = windowsFindings({ ...HEALTHY, ...facts }, wants).filter(
      (each) => each.verdict !== 'fine',
    );
    expect(changed).toEqual([
      {
        ...{ id, verdict, title: expect.any(String) as string },
        detail: expect.stringMatching(detail) as string,
        remedy: expect.stringMatching(remedy) as string,
      },
    ]);
  });

  it('reports what could not be checked with the reason, and not as a problem', () => {
    const [finding] = windowsFindings({ ...HEALTHY, nats: { unknown: 'kein Zugriff' } }, wants).filter(
      ({ verdict }) => verdict !== 'fine',
    );
    expect(finding).toMatchObject({
      id: 'nat',
      verdict: 'unknown',
      detail: expect.stringContaining('kein Zugriff') as string,
    });
  });

  it.each<[string, Partial<WindowsFacts>]>([
    ['administrative rights are missing', { isElevated: { known: false } }],
    ['PowerShell cannot be used', { shell: { unknown: 'a policy' } }],
  ])('does not report a silent WMI as a problem when %s', (_, why) => {
    const facts = { ...HEALTHY, ...why, wmi: { unknown: 'Zugriff verweigert' } };
    expect(windowsFindings(facts, wants).find(({ id }) => id === 'wmi')).toMatchObject({
      verdict: 'unknown',
      detail: expect.stringContaining('verweigert') as string,
    });
  });

  it('with network.subnet auto checks the first subnet without a route', () => {
    const subnetOf = (facts: Partial<WindowsFacts>) =>
      windowsFindings(
        { ...HEALTHY, ...facts },
        { ...wants, settings: { known: { memoryMiB: 2_048, subnet: 'auto' } } },
      ).find(({ id }) => id === 'subnet');
    const corp = (...prefixes: readonly string[]) =>
      routes(...prefixes.map((prefix) => [prefix, 'corp'] as const));
    expect(subnetOf(corp('10.0.0.0/8'))).toMatchObject({
      verdict: 'fine',
      detail: '192.168.65.0/24 is free',
    });
    expect(subnetOf(corp('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'))).toMatchObject({
      verdict: 'problem',
      detail: expect.stringMatching(/^None of the \d+ subnets/) as string,
    });
  });

  it('examines the subnet that a running machine has, whatever the settings are now', () => {
    const running = { ...wants, machineSubnet: { known: parseSubnet('192.168.90.0/24') } };
    const subnetOf = (facts: Partial<WindowsFacts>) =>
      windowsFindings({ ...HEALTHY, ...facts }, running).find(({ id }) => id === 'subnet');
    expect(subnetOf({})).toMatchObject({ verdict: 'fine', detail: "192.168.90.0/24 is the VM's alone" });
    expect(subnetOf(routes(['192.168.90.0/25', 'corp']))).toMatchObject({
      verdict: 'problem',
      detail: expect.stringContaining('192.168.90.0/25 by corp') as string,
    });
    const own = {
      protocol: 'UDP',
      address: '192.168.90.1',
      port: 53,
      process: 'dns',
      isOurs: false,
    } as const;
    const listeners = { known: [{ ...own, services: [] }] };
    expect(
      windowsFindings({ ...HEALTHY, listeners }, running).find(({ id }) => id === 'ports'),
    ).toMatchObject({ verdict: 'problem', detail: 'UDP 53 is in use by dns' });
  });

  it('marks what depends on settings or a machine that cannot be asked as unknown', () => {
    const unknownWith = (changes: object) =>
      windowsFindings(HEALTHY, { ...wants, ...changes })
        .filter(({ verdict }) => verdict === 'unknown')
        .map(({ id, detail }) => [id, detail]);
    const why = 'could not be checked: the settings cannot be read';
    expect(unknownWith({ settings: { unknown: 'the settings cannot be read' } })).toEqual([
      ['memory', why],
      ['subnet', why],
      ['ports', why],
    ]);
    expect(unknownWith({ machineSubnet: { unknown: 'no answer' } }).map(([id]) => id)).toEqual([
      'subnet',
      'ports',
    ]);
  });

  it("does not report mobyvm's own daemon, or the memory of its VM, as a problem", () => {
    const own = system({ freeMemoryMiB: 900 });
    const listeners = {
      known: [
        { protocol: 'UDP', address: '10.0.75.1', port: 53, process: 'node', isOurs: true, services: [] },
      ],
    } as const;
    const findings = windowsFindings({ ...HEALTHY, ...own, listeners }, { ...wants, daemonRuns: true });
    const told = findings.filter(({ verdict }) => verdict !== 'fine').map(({ id, verdict }) => [id, verdict]);
    expect(told).toEqual([
      ['memory', 'notice'],
      ['ports', 'notice'],
    ]);
    expect(findings.find(({ id }) => id === 'ports')?.detail).toContain('445');
  });

  it('accepts the route of a foreign NAT network that contains ours', () => {
    const lab = { name: 'lab', prefix: '10.0.0.0/16' };
    const networks = {
      known: { addresses: [], routes: routesOf([lab.prefix, 'lab']), shared: [parseSubnet(lab.prefix)] },
    };
    const facts = { ...HEALTHY, nats: { known: [lab] }, networks };
    expect(windowsFindings(facts, wants).find(({ id }) => id === 'subnet')).toMatchObject({
      verdict: 'fine',
    });
  });
});

function routes(...all: readonly (readonly [prefix: string, by: string])[]): Pick<WindowsFacts, 'networks'> {
  return { networks: { known: { addresses: [], routes: routesOf(...all) } } };
}

function routesOf(...all: readonly (readonly [prefix: string, by: string])[]): HostNetworks['routes'] {
  return all.map(([prefix, by]) => ({ destination: parseSubnet(prefix), type: 'unicast', devices: [by] }));
}
