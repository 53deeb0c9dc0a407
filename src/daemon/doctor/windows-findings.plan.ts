import { hostAt, type Subnet } from '../../core/values/index.js';
import { ENABLE_REMEDY, moduleRemedy, POLICY_REMEDY } from '../../vm/index.js';
import { both, fine, judged, notice, problem, type Finding, type Known } from './finding.js';
import { X64, type DoctorWants, type Listener, type PortRange, type WindowsFacts } from './windows-facts.js';
import { twinFinding } from './twin-finding.plan.js';
import { subnetFinding, wantedSubnet } from './windows-subnet.plan.js';

/** Windows 10 1809 and Server 2019: the first with everything that mobyvm uses. */
const OLDEST_BUILD = 17_763;
/** SKUs of the Home editions, which do not have Hyper-V. */
const HOME_SKUS = [98, 99, 100, 101];
/** As Win32_Processor numbers it. */
const ARM64 = 12;
const VPN =
  /vpn|wireguard|anyconnect|globalprotect|pangp|fortinet|forti|zscaler|juniper|pulse|ivanti|check ?point|sonicwall|netskope|nordlynx|tailscale|tap-windows/i;
/** Internet Connection Sharing, which runs the name server of Hyper-V's Default Switch. */
const SHARING = 'SharedAccess';
/** Manufacturers and models of virtual machines. */
const VIRTUAL_HARDWARE =
  /virtual|vmware|qemu|kvm|\bxen\b|bochs|google compute|amazon ec2|parallels|nutanix|openstack/i;
const LEAST_DISK_GIB = 5;
/** Ports on the switch's address where mobyvm serves the VM. */
const OUR_PORTS = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
  { protocol: 'UDP', port: 67 },
] as const;
const SMB_PORT = 445;
const COMMON_PORTS = [80, 443, 3_000, 3_306, 5_000, 5_432, 6_379, 8_000, 8_080, 8_443, 9_000, 27_017];
const ENGINE_PIPE = 'docker_engine';

/** What the facts mean for mobyvm, in the order in which problems are best fixed. */
export function windowsFindings(facts: WindowsFacts, wants: DoctorWants): readonly Finding[] {
  return [
    ...hostFindings(facts, wants),
    ...hypervisorFindings(facts),
    twinFinding(facts, wants),
    ...networkFindings(facts, wants),
  ];
}

function hostFindings(facts: WindowsFacts, wants: DoctorWants): readonly Finding[] {
  return [
    judged('rights', 'Rights', facts.isElevated, (isElevated) =>
      isElevated
        ? fine('running as administrator')
        : notice(
            'not running as administrator: checks that need administrative rights are marked with ?',
            'Run `mobyvm doctor` in an elevated terminal ("Run as administrator") for all checks.',
          ),
    ),
    judged('windows', 'Windows', facts.system, ({ caption, build, sku }) => {
      const what = `${caption}, build ${build}`;
      if (HOME_SKUS.includes(sku))
        return problem(`${what} has no Hyper-V`, 'Upgrade to Windows Pro, Enterprise or Education.');
      if (build < OLDEST_BUILD)
        return problem(
          `${what} is too old`,
          `Update Windows to build ${OLDEST_BUILD} (version 1809) or later.`,
        );
      return fine(what);
    }),
    processorFinding(facts),
    ...shellFindings(facts),
    judged('memory', 'Memory', both(wants.settings, facts.system), ([{ memoryMiB }, { freeMemoryMiB }]) => {
      const what = `${freeMemoryMiB} MiB free, the VM needs ${memoryMiB} MiB`;
      const remedy = 'Close programs or other virtual machines, or lower vm.memoryMiB.';
      if (freeMemoryMiB >= memoryMiB) return fine(what);
      return wants.daemonRuns
        ? notice(what, `If the VM is running, it has its memory already. Otherwise: ${remedy}`)
        : problem(what, remedy);
    }),
    judged('disk', 'Disk', facts.freeDiskGiB, (free) =>
      free >= LEAST_DISK_GIB
        ? fine(`${Math.floor(free)} GiB free for the data disk`)
        : problem(`only ${free.toFixed(1)} GiB free for the data disk`, 'Free some space.'),
    ),
    judged('docker-desktop', 'Docker Desktop', facts.dockerDesktop, ({ isInstalled, isRunning }) => {
      // A per-user installation has no service.
      if (isRunning)
        return notice(
          'is running',
          'Both can run side by side, but only one of them can use the pipe docker_engine, and only one can publish a given port.',
        );
      return fine(isInstalled ? 'installed, but not running' : 'not running, and not installed as a service');
    }),
    judged('pipes', 'Engine pipe', facts.pipes, (names) =>
      names.includes(ENGINE_PIPE)
        ? notice(
            `the pipe ${ENGINE_PIPE} already exists`,
            'If another Docker product created it, docker commands go to that product unless DOCKER_HOST or `docker context use` selects another one.',
          )
        : fine(`the pipe ${ENGINE_PIPE} is free`),
    ),
  ];
}

/** The guest is built for one architecture. */
function processorFinding({ hypervisor }: WindowsFacts): Finding {
  return judged('processor', 'Processor', hypervisor, ({ architecture }) => {
    if (architecture === X64) return fine('Intel or AMD, 64 bits');
    const what =
      architecture === ARM64
        ? "is ARM64: the VM's image is for Intel and AMD processors, and Hyper-V does not translate it"
        : `is of an architecture that the VM's image is not for (${architecture})`;
    return problem(what, 'Use a machine with a 64-bit Intel or AMD processor.');
  });
}

function shellFindings(facts: WindowsFacts): readonly Finding[] {
  return [
    'unknown' in facts.shell
      ? {
          ...{ id: 'powershell', title: 'PowerShell' },
          ...problem(
            `cannot be used: ${facts.shell.unknown}`,
            facts.shell.remedy ??
              'Run `powershell -NoProfile -Command 1` in a terminal and check its output.',
          ),
        }
      : judged(
          'powershell',
          'PowerShell',
          facts.shell,
          ({ version, edition, languageMode, executionPolicy }) =>
            // Windows' own modules load under any policy, and mobyvm runs no scripts.
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
      if (state === 'Enabled') return fine('enabled');
      if (state === 'DisablePending')
        return problem(`will be disabled by the next restart (${state})`, ENABLE_REMEDY);
      return state.endsWith('Pending')
        ? problem(`needs a restart (${state})`, 'Restart Windows.')
        : problem(`disabled (${state})`, ENABLE_REMEDY);
    }),
    judged('hypervisor', 'Hypervisor', facts.hypervisor, (found) => {
      if (found.isPresent && VIRTUAL_HARDWARE.test(found.computer))
        return notice(
          `running, but Windows itself is in a virtual machine (${found.computer}), so this may be the outer host's hypervisor`,
          'Enable nested virtualization for this virtual machine. On a Hyper-V host, run: Set-VMProcessor -VMName NAME -ExposeVirtualizationExtensions $true',
        );
      if (found.isPresent) return fine('running');
      if (!found.slat)
        return problem(
          'not running: the processor has no second-level address translation (SLAT)',
          'Hyper-V needs a computer whose processor has it.',
        );
      if (!found.firmwareVirtualization)
        return problem(
          'not running: virtualization is disabled in the firmware',
          'Enable it in the UEFI or BIOS setup (Intel VT-x, AMD-V, SVM). In a virtual machine, enable nested virtualization.',
        );
      return problem('not running', 'Fix the feature and the launch type, then restart Windows.');
    }),
    judged('hypervisor-launch', 'Hypervisor launch type', facts.launchType, (type) =>
      type.toLowerCase() === 'off'
        ? problem('off', 'Run `bcdedit /set hypervisorlaunchtype auto` and restart Windows.')
        : fine(type === '' ? 'not set, so Windows decides' : type.toLowerCase()),
    ),
    judged('vmms', 'Service vmms', facts.service, (service) => {
      if (service === 'absent') return problem('does not exist', ENABLE_REMEDY);
      if (service.startMode === 'Disabled')
        return problem('disabled', 'Run: Set-Service vmms -StartupType Automatic; Start-Service vmms');
      return service.state === 'Running'
        ? fine('running')
        : problem(`not running (${service.state})`, 'Run: Start-Service vmms');
    }),
    wmiFinding(facts),
  ];
}

/** Even on a healthy host it does not answer without PowerShell or administrative rights. */
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
        ? fine('none from other programs')
        : notice(
            `another program created "${other.name}" for ${other.prefix ?? 'an unknown prefix'}`,
            'If Windows does not allow a second one, set network.subnet to a subnet of that prefix, or set network.nat to none.',
          );
    }),
    judged('firewall', 'Firewall', facts.firewall, (state) => firewallVerdict(state, switchName)),
    judged('firewall-blocks', 'Rules that block mobyvm', facts.blockingRules, (rules) =>
      blockVerdict(rules, wants.program),
    ),
    judged('ports', 'Ports 53, 67 and 445', both(subnet, facts.listeners), ([known, listeners]) =>
      portVerdict(listeners, known),
    ),
    judged('reserved-ports', 'Reserved ports', facts.reservedPorts, reservedVerdict),
    judged('vpn', 'VPN', facts.adapters, (adapters) => {
      const vpn = adapters.find(({ description, isUp }) => isUp && VPN.test(description));
      return vpn === undefined
        ? fine('no known VPN adapter is connected')
        : notice(
            `"${vpn.name}" (${vpn.description}) is connected`,
            'If containers lose network access while it is connected, set network.subnet to a subnet that the VPN does not use, and network.mtuBytes to its MTU.',
          );
    }),
  ];
}

function firewallVerdict(
  state: Known<WindowsFacts['firewall']>,
  switchName: string,
): Omit<Finding, 'id' | 'title'> {
  const where = 'in the Public profile, which applies to the switch';
  switch (state) {
    case 'takes rules':
      return fine(`local rules apply ${where}`);
    case 'takes no rules':
      return notice(
        `blocks all incoming connections ${where}, whatever the rules are: DHCP and DNS will not work in the VM`,
        'Run: Set-NetFirewallProfile -Name Public -AllowInboundRules True (if a group policy sets this, ask your administrator).',
      );
    case 'takes no rules of this machine':
      return notice(
        `a group policy disables local rules ${where}: DHCP and DNS may not work in the VM`,
        `Ask your administrator for a policy that allows incoming UDP 53, UDP 67, TCP 53 and TCP 445 on "vEthernet (${switchName})".`,
      );
  }
}

/** A rule that blocks beats every rule that allows. */
function blockVerdict(
  rules: Known<WindowsFacts['blockingRules']>,
  program: string,
): Omit<Finding, 'id' | 'title'> {
  const [first] = rules;
  if (first === undefined) return fine(`none for ${program}`);
  const names = rules.map(({ title }) => `"${title}"`).join(', ');
  return problem(
    `${names} ${rules.length === 1 ? 'blocks' : 'block'} what comes in to ${program}, whatever other rules allow`,
    `If they came from a dismissed question of Windows, remove them: ${rules.map(({ name }) => `Remove-NetFirewallRule -Name '${name.replaceAll("'", "''")}'`).join('; ')}`,
  );
}

function reservedVerdict({ tcp, udp }: Known<WindowsFacts['reservedPorts']>): Omit<Finding, 'id' | 'title'> {
  const within = (ranges: readonly PortRange[]) => (port: number) =>
    ranges.some(({ first, last }) => first <= port && port <= last);
  const remedy = (protocol: string): string =>
    `Run \`net stop winnat\`, then \`netsh int ipv4 add excludedportrange protocol=${protocol} …\` for the ports that you need, then \`net start winnat\`.`;
  const ours = [53, 67].filter(within(udp));
  if (ours.length > 0)
    return problem(`Windows has reserved UDP ${ours.join(' and ')}, which mobyvm needs`, remedy('udp'));
  const hit = COMMON_PORTS.filter(within(tcp));
  return hit.length === 0
    ? fine(`${tcp.length} TCP and ${udp.length} UDP ranges, none with a commonly published port`)
    : notice(
        `Windows has reserved TCP ${hit.join(', ')}, so containers can't publish ${hit.length === 1 ? 'it' : 'them'}`,
        remedy('tcp'),
      );
}

function portVerdict(listeners: readonly Listener[], subnet: Subnet): Omit<Finding, 'id' | 'title'> {
  const address = hostAt(subnet, 1);
  // A socket that listens on all addresses listens on the switch's address too.
  const here = listeners.filter((each) => ['0.0.0.0', '::', address].includes(each.address));
  const taken = here.filter(
    (each) =>
      !each.isOurs &&
      OUR_PORTS.some(({ protocol, port }) => protocol === each.protocol && port === each.port),
  );
  const first = taken.find(({ services }) => !services.includes(SHARING));
  if (first !== undefined)
    return problem(
      `${first.protocol} ${first.port} is in use by ${[first.process, ...first.services].join(', ')}`,
      'Stop that program, or make it listen on other addresses only: mobyvm needs the port on the switch.',
    );
  const [shared] = taken;
  if (shared !== undefined)
    return notice(
      `Windows' connection sharing (${SHARING}, of Hyper-V's Default Switch) has ${shared.protocol} ${shared.port} on every address`,
      `mobyvm listens beside it, on ${address} alone. Leave the service running: WSL and the Default Switch need it, and stopping it can crash Windows.`,
    );
  return here.some(({ protocol, port }) => protocol === 'TCP' && port === SMB_PORT)
    ? fine('53 and 67 are free; Windows file sharing listens on 445')
    : notice(
        'nothing listens on 445',
        'Shared folders need Windows file sharing. Run: Start-Service LanmanServer',
      );
}
