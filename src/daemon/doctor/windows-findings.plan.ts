import { hostAt, type Subnet } from '../../core/values/index.js';
import { ENABLE_REMEDY, moduleRemedy, POLICY_REMEDY } from '../../vm/index.js';
import { fine, judged, notice, problem, type Finding, type Known } from './finding.js';
import type { DoctorWants, Listener, PortRange, WindowsFacts } from './windows-facts.js';
import { subnetFinding, wantedSubnet } from './windows-subnet.plan.js';

/** Windows 10 1809 and Server 2019: the first with all that is used. */
const OLDEST_BUILD = 17_763;
/** Home editions (SKU): Hyper-V is not in them. */
const HOME_SKUS = [98, 99, 100, 101];
const VPN =
  /vpn|wireguard|anyconnect|globalprotect|pangp|fortinet|forti|zscaler|juniper|pulse|ivanti|check ?point|sonicwall|netskope|nordlynx|tailscale|tap-windows/i;
/** Internet Connection Sharing: Hyper-V's Default Switch has its name server. */
const SHARING = 'SharedAccess';
/** Manufacturers and models of machines that other machines are. */
const VIRTUAL_HARDWARE =
  /virtual|vmware|qemu|kvm|\bxen\b|bochs|google compute|amazon ec2|parallels|nutanix|openstack/i;
const LEAST_DISK_GIB = 5;
/** What the VM is served by mobyvm, or by Windows itself, on the switch's address. */
const OUR_PORTS = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
  { protocol: 'UDP', port: 67 },
] as const;
const SMB_PORT = 445;
const COMMON_PORTS = [80, 443, 3_000, 3_306, 5_000, 5_432, 6_379, 8_000, 8_080, 8_443, 9_000, 27_017];
const ENGINE_PIPE = 'docker_engine';

/** What the facts mean for mobyvm, in the order in which they are best fixed. */
export function windowsFindings(facts: WindowsFacts, wants: DoctorWants): readonly Finding[] {
  return [...hostFindings(facts, wants), ...hypervisorFindings(facts), ...networkFindings(facts, wants)];
}

function hostFindings(facts: WindowsFacts, wants: DoctorWants): readonly Finding[] {
  return [
    judged('rights', 'Rights', facts.isElevated, (isElevated) =>
      isElevated
        ? fine('running as administrator')
        : notice(
            'not running as administrator: checks that need it are marked with ?',
            'Run it in an elevated terminal ("Run as administrator") for the rest.',
          ),
    ),
    judged('windows', 'Windows', facts.system, ({ caption, build, sku }) => {
      const what = `${caption}, build ${build}`;
      if (HOME_SKUS.includes(sku))
        return problem(`${what} has no Hyper-V`, 'Upgrade to the edition Pro, Enterprise or Education.');
      if (build < OLDEST_BUILD)
        return problem(
          `${what} is too old`,
          `Update Windows to build ${OLDEST_BUILD} (version 1809) or later.`,
        );
      return fine(what);
    }),
    ...shellFindings(facts),
    judged('memory', 'Memory', facts.system, ({ freeMemoryMiB }) => {
      const what = `${freeMemoryMiB} MiB free, the VM uses ${wants.memoryMiB}`;
      const remedy = 'Close programs or other machines, or set vm.memoryMiB lower.';
      if (freeMemoryMiB >= wants.memoryMiB) return fine(what);
      return wants.daemonRuns
        ? notice(what, `Nothing to do while the VM runs, which has its memory already. Otherwise: ${remedy}`)
        : problem(what, remedy);
    }),
    judged('disk', 'Disk', facts.freeDiskGiB, (free) =>
      free >= LEAST_DISK_GIB
        ? fine(`${Math.floor(free)} GiB free for the data disk`)
        : problem(`only ${free.toFixed(1)} GiB free for the data disk`, 'Free some space.'),
    ),
    judged('docker-desktop', 'Docker Desktop', facts.dockerDesktop, ({ isInstalled, isRunning }) => {
      // Installed for one user alone it has no service.
      if (isRunning)
        return notice(
          'is running too',
          'Both can run, but only one can use the pipe docker_engine and each published port.',
        );
      return fine(
        isInstalled ? 'is installed but not running' : 'not running, and not installed as a service',
      );
    }),
    judged('pipes', 'Engine pipe', facts.pipes, (names) =>
      names.includes(ENGINE_PIPE)
        ? notice(
            `the pipe ${ENGINE_PIPE} exists already`,
            'If another Docker product made it: docker uses that one, unless DOCKER_HOST or `docker context use` says otherwise.',
          )
        : fine(`the pipe ${ENGINE_PIPE} is free`),
    ),
  ];
}

function shellFindings(facts: WindowsFacts): readonly Finding[] {
  return [
    'unknown' in facts.shell
      ? {
          ...{ id: 'powershell', title: 'PowerShell' },
          ...problem(
            `cannot be used: ${facts.shell.unknown}`,
            facts.shell.remedy ??
              'Run `powershell -NoProfile -Command 1` in a terminal and look at what it says.',
          ),
        }
      : judged(
          'powershell',
          'PowerShell',
          facts.shell,
          ({ version, edition, languageMode, executionPolicy }) =>
            // Windows' own modules are loaded with any policy, and no script of ours is run.
            fine(`${edition} ${version}, ${languageMode}, execution policy ${executionPolicy || 'unknown'}`),
        ),
    judged('powershell-modules', 'PowerShell modules', facts.modules, (unusable) => {
      const [missing] = unusable.filter(({ state }) => state === 'missing');
      const [forbidden] = unusable;
      if (missing !== undefined)
        return problem(
          `the module ${missing.name} is missing or cannot be loaded`,
          moduleRemedy(missing.name),
        );
      if (forbidden !== undefined)
        return problem(`a policy keeps PowerShell from loading ${forbidden.name}`, POLICY_REMEDY);
      return fine('can be loaded');
    }),
  ];
}

function hypervisorFindings(facts: WindowsFacts): readonly Finding[] {
  return [
    judged('hyperv-feature', 'Hyper-V feature', facts.feature, (state) => {
      if (state === 'Enabled') return fine('is switched on');
      if (state === 'DisablePending')
        return problem(`is switched off by the next restart (${state})`, ENABLE_REMEDY);
      return state.endsWith('Pending')
        ? problem(`waits for a restart (${state})`, 'Restart Windows.')
        : problem(`is switched off (${state})`, ENABLE_REMEDY);
    }),
    judged('hypervisor', 'Hypervisor', facts.hypervisor, (found) => {
      if (found.isPresent && VIRTUAL_HARDWARE.test(found.computer))
        return notice(
          `one runs, but Windows is in a virtual machine (${found.computer}): it may be the outer one`,
          'Allow nested virtualization to this machine; on a Hyper-V host: Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true',
        );
      if (found.isPresent) return fine('runs');
      if (!found.slat)
        return problem(
          'does not run: the processor lacks second-level address translation (SLAT)',
          'Use another machine.',
        );
      if (!found.firmwareVirtualization)
        return problem(
          'does not run: virtualization is switched off in the firmware',
          'Switch it on in the UEFI or BIOS setup (Intel VT-x, AMD-V, SVM). In a virtual machine: allow nested virtualization.',
        );
      return problem('does not run', 'See the launch type and the feature, then restart Windows.');
    }),
    judged('hypervisor-launch', 'Hypervisor launch type', facts.launchType, (type) =>
      type.toLowerCase() === 'off'
        ? problem('is Off', 'Run `bcdedit /set hypervisorlaunchtype auto` and restart Windows.')
        : fine(type === '' ? 'is left to Windows' : `is ${type}`),
    ),
    judged('vmms', 'Service vmms', facts.service, (service) => {
      if (service === 'absent') return problem('does not exist', ENABLE_REMEDY);
      if (service.startMode === 'Disabled')
        return problem('is disabled', 'Run: Set-Service vmms -StartupType Automatic; Start-Service vmms');
      return service.state === 'Running'
        ? fine('runs')
        : problem(`does not run (${service.state})`, 'Run: Start-Service vmms');
    }),
    wmiFinding(facts),
  ];
}

/** Without PowerShell, or the rights of an administrator, it does not answer on a healthy host either. */
function wmiFinding({ wmi, isElevated, shell }: WindowsFacts): Finding {
  const named = { id: 'wmi', title: 'Hyper-V in WMI' };
  if ('known' in wmi || 'unknown' in shell || ('known' in isElevated && !isElevated.known))
    return judged(named.id, named.title, wmi, () => fine('root/virtualization/v2 answers'));
  return {
    ...named,
    ...problem(
      `root/virtualization/v2 does not answer: ${wmi.unknown}`,
      'Fix the feature and the service first, and use an elevated terminal. If only this problem remains, run `winmgmt /verifyrepository`.',
    ),
  };
}

function networkFindings(facts: WindowsFacts, wants: DoctorWants): readonly Finding[] {
  const { switchName } = wants;
  const subnet = wantedSubnet(facts, wants);
  return [
    subnetFinding(facts, wants),
    judged('nat', 'NAT networks', facts.nats, (nats) => {
      const others = nats.filter(({ name }) => !name.startsWith(`${switchName}-`));
      const [other] = others;
      return other === undefined
        ? fine('none but ours')
        : notice(
            `"${other.name}" for ${other.prefix ?? 'an unknown prefix'} is another program's`,
            'If mobyvm cannot make its own beside it, put network.subnet inside that prefix, or set network.nat to none.',
          );
    }),
    judged('firewall', 'Firewall', facts.firewall, (state) => firewallVerdict(state, switchName)),
    judged('ports', 'Ports 53, 67 and 445', facts.listeners, (listeners) => portVerdict(listeners, subnet)),
    judged('reserved-ports', 'Reserved ports', facts.reservedPorts, reservedVerdict),
    judged('vpn', 'VPN', facts.adapters, (adapters) => {
      const vpn = adapters.find(({ description, isUp }) => isUp && VPN.test(description));
      return vpn === undefined
        ? fine('no adapter of a known VPN is up')
        : notice(
            `"${vpn.name}" (${vpn.description}) is up`,
            'If containers lose their network with it, set network.subnet to one that the VPN does not use, and network.mtuBytes to its MTU.',
          );
    }),
  ];
}

function firewallVerdict(
  state: Known<WindowsFacts['firewall']>,
  switchName: string,
): Omit<Finding, 'id' | 'title'> {
  const where = 'in the profile Public, which the switch is in';
  switch (state) {
    case 'takes rules':
      return fine(`takes rules of this machine ${where}`);
    case 'takes no rules':
      return notice(
        `lets nobody in ${where}, whatever the rules say: the VM gets no address and no names`,
        'Run: Set-NetFirewallProfile -Name Public -AllowInboundRules True (if a policy says it, ask your administrator).',
      );
    case 'takes no rules of this machine':
      return notice(
        `a policy makes the rules of this machine void ${where}: the VM may get no address and no names`,
        `Let your administrator allow by policy what comes to "vEthernet (${switchName})" on UDP 53, UDP 67, TCP 53 and TCP 445.`,
      );
  }
}

function reservedVerdict({ tcp, udp }: Known<WindowsFacts['reservedPorts']>): Omit<Finding, 'id' | 'title'> {
  const within = (ranges: readonly PortRange[]) => (port: number) =>
    ranges.some(({ first, last }) => first <= port && port <= last);
  const remedy = (protocol: string): string =>
    `Run \`net stop winnat\`, reserve what you need with \`netsh int ipv4 add excludedportrange protocol=${protocol} …\`, and \`net start winnat\`.`;
  const ours = [53, 67].filter(within(udp));
  if (ours.length > 0)
    return problem(`Windows has reserved UDP ${ours.join(' and ')}, which the VM needs of us`, remedy('udp'));
  const hit = COMMON_PORTS.filter(within(tcp));
  return hit.length === 0
    ? fine(
        `${tcp.length} ranges of TCP and ${udp.length} of UDP, none with a port that many containers publish`,
      )
    : notice(`Windows has reserved ${hit.join(', ')}: nobody can publish them`, remedy('tcp'));
}

function portVerdict(listeners: readonly Listener[], subnet: Subnet): Omit<Finding, 'id' | 'title'> {
  const address = hostAt(subnet, 1);
  // Who listens everywhere listens on the switch's address too.
  const here = listeners.filter((each) => ['0.0.0.0', '::', address].includes(each.address));
  const taken = here.filter(
    (each) =>
      !each.isOurs &&
      OUR_PORTS.some(({ protocol, port }) => protocol === each.protocol && port === each.port),
  );
  const first = taken.find(({ services }) => !services.includes(SHARING));
  if (first !== undefined)
    return problem(
      `${first.protocol} ${first.port} is taken by ${[first.process, ...first.services].join(', ')}`,
      'End that program, or let it listen on its own address alone: mobyvm needs the port on the switch.',
    );
  const [shared] = taken;
  if (shared !== undefined)
    return notice(
      `Windows' connection sharing (${SHARING}, of Hyper-V's Default Switch) has ${shared.protocol} ${shared.port} on every address`,
      `mobyvm listens beside it, on ${address} alone. If Windows refuses that: Stop-Service ${SHARING} (the Default Switch and mobile hotspots lose their network).`,
    );
  return here.some(({ protocol, port }) => protocol === 'TCP' && port === SMB_PORT)
    ? fine('53 and 67 are free; Windows serves files on 445')
    : notice('nobody serves files on 445', 'Shares need it: Start-Service LanmanServer');
}
