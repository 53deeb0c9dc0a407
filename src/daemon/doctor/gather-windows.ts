import { readdir } from 'node:fs/promises';
import { freeBytesIn, run } from '../../core/host/index.js';
import { MobyvmError, textOf } from '../../core/values/index.js';
import {
  cmdlet,
  cmdletEntry,
  isForbidden,
  isMissing,
  PowerShellError,
  type Fields,
  type Pipeline,
  type PowerShell,
  type PowerShellIdentity,
  type Row,
} from '../../powershell/index.js';
import { excludedPorts } from '../windows/excluded-ports.js';
import { gatherWindowsNetworks, hypervError, isDenied, isTagged } from '../../vm/index.js';
import type { Fact, Known } from './finding.js';
import { launchTypeOf } from './bcdedit.codec.js';
import { isElevated } from './whoami.codec.js';
import { X64, type Listener, type WindowsFacts } from './windows-facts.js';

export interface GatherOptions {
  readonly powerShell: PowerShell;
  /** Version, edition and language mode of that PowerShell. */
  readonly identity: (signal: AbortSignal) => Promise<PowerShellIdentity>;
  /** Where the data disk is, or will be. */
  readonly stateDir: string;
  /** Absolute path of a program that comes with Windows. */
  readonly systemProgram: (name: string) => string;
  /** Absolute path of the node.exe that runs the daemon. */
  readonly program: string;
  /** Undefined if no daemon is running. */
  readonly daemonPid?: number | undefined;
  readonly signal: AbortSignal;
}

const VIRTUALIZATION = 'root/virtualization/v2';
const PIPES = '\\\\.\\pipe\\';
const GIB = 1024 ** 3;
const LOOK_SECONDS = 20;
/** Has no remedy: the finding about administrative rights has it. */
const FOR_ADMINISTRATORS = { unknown: 'needs administrative rights' };

/** Reads all facts; one that cannot be read is replaced by the reason. Changes nothing. */
export async function gatherWindowsFacts({
  powerShell,
  identity,
  stateDir,
  systemProgram,
  program,
  daemonPid,
  signal,
}: GatherOptions): Promise<WindowsFacts> {
  let isPlainUser = false;
  const look = async <T>(work: () => Promise<T | undefined>): Promise<Fact<T>> => {
    try {
      const known = await work();
      return known === undefined ? { unknown: 'Windows does not report it' } : { known };
    } catch (error) {
      signal.throwIfAborted();
      if (isPlainUser && isDenied(error)) return FOR_ADMINISTRATORS;
      const told = hypervError('Windows did not report it', error);
      const unknown = textOf(told).replaceAll(/\s+/g, ' ').trim();
      return { unknown, ...remedyOf(told) };
    }
  };
  const rights = await look(async () =>
    isElevated((await run(systemProgram('whoami'), ['/groups'], { signal })).stdout),
  );
  isPlainUser = 'known' in rights && !rights.known;
  const shell = await look(() => identity(signal));
  const read = async <F extends Fields>(pipeline: Pipeline, fields: F): Promise<readonly Row<F>[]> => {
    // Each read would try to start it again. The finding about PowerShell has the remedy.
    if ('unknown' in shell) throw new MobyvmError('MOBYVM_POWERSHELL_START', 'PowerShell cannot be used', '');
    return powerShell.read({ pipeline, fields }, { signal, timeoutSeconds: LOOK_SECONDS });
  };
  const shared = sharedReads(read);
  return {
    isElevated: rights,
    shell,
    modules: await look(() => readModules(shared)),
    system: await look(() => readSystem(read)),
    hypervisor: await look(() => readHypervisor(read)),
    feature: await look(() => readFeature(read)),
    launchType: isPlainUser
      ? FOR_ADMINISTRATORS
      : await look(() => readLaunchType(systemProgram('bcdedit'), signal)),
    service: await look(() => readService(read, 'vmms')),
    wmi: await look(() => readWmi(read)),
    machines: await look(() => readMachines(shared)),
    freeDiskGiB: await look(() => freeGiB(stateDir)),
    listeners: await look(() => readListeners(read, daemonPid)),
    reservedPorts: await look(async () => ({
      tcp: await excludedPorts(systemProgram('netsh'), 'tcp', signal),
      udp: await excludedPorts(systemProgram('netsh'), 'udp', signal),
    })),
    networks: await look(() => gatherWindowsNetworks(readerOf(read), signal)),
    nats: await look(() => readNats(shared)),
    firewall: await look(() => readFirewall(read)),
    blockingRules: await look(() => readBlockingRules(read, program)),
    adapters: await look(() => readAdapters(shared)),
    dockerDesktop: await look(() => readDockerDesktop(read)),
    pipes: await look(() => readdir(PIPES)),
  };
}

/** Omits advice that makes no sense in doctor: to run doctor, or to install a program that is part of Windows. */
function remedyOf(told: unknown): { readonly remedy?: string } {
  if (!(told instanceof MobyvmError) || told.code === 'MOBYVM_PROGRAM_MISSING') return {};
  const { remedy } = told;
  return remedy === '' || remedy.includes('`mobyvm doctor`') ? {} : { remedy };
}

type Read = <F extends Fields>(pipeline: Pipeline, fields: F) => Promise<readonly Row<F>[]>;

/** One cmdlet of each module that only reads, each asked once: what it returns is used by several checks. */
function sharedReads(read: Read) {
  const machines = { Name: 'text', State: 'text', Notes: 'text', Path: 'text' } as const;
  const nats = { Name: 'text', InternalIPInterfaceAddressPrefix: 'text' } as const;
  const adapters = { Name: 'text', InterfaceDescription: 'text', Status: 'text' } as const;
  return {
    'Get-VM': once(() => read([cmdlet('Get-VM')], machines)),
    'Get-NetNat': once(() => read([cmdlet('Get-NetNat')], nats)),
    'Get-NetAdapter': once(() => read([cmdlet('Get-NetAdapter')], adapters)),
  };
}

type SharedReads = ReturnType<typeof sharedReads>;

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => (answer ??= ask());
}

/** Whether a module can be loaded shows when it is used. */
async function readModules(shared: SharedReads): Promise<Known<WindowsFacts['modules']>> {
  const found = [];
  for (const [command, ask] of Object.entries(shared)) {
    const state = await ask().then(
      () => undefined,
      (error: unknown) => stateOf(error),
    );
    const name = cmdletEntry(command)?.module ?? '';
    if (state !== undefined) found.push({ name, state });
  }
  return found;
}

async function readMachines(shared: SharedReads): Promise<Known<WindowsFacts['machines']>> {
  const rows = await shared['Get-VM']();
  return rows.map(({ Name = '', State, Notes = '', Path = '' }) => ({
    ...{ name: Name, isRunning: State === 'Running', path: Path },
    isMarked: isTagged(Notes),
  }));
}

function stateOf(error: unknown): 'missing' | 'forbidden' | undefined {
  if (!(error instanceof PowerShellError)) throw error;
  if (isMissing(error)) return 'missing';
  return isForbidden(error) ? 'forbidden' : undefined;
}

/** Reads the Public profile: a network without a gateway is unidentified, and therefore public. */
async function readFirewall(read: Read): Promise<Known<WindowsFacts['firewall']> | undefined> {
  const profiles = cmdlet('Get-NetFirewallProfile', { PolicyStore: 'ActiveStore' });
  const rows = await read([profiles], {
    ...({ Name: 'text', Enabled: 'text' } as const),
    ...({ AllowInboundRules: 'text', AllowLocalFirewallRules: 'text' } as const),
  });
  const found = rows.find(({ Name }) => Name === 'Public');
  if (found === undefined) return undefined;
  if (found.Enabled !== 'True') return 'takes rules';
  if (found.AllowInboundRules === 'False') return 'takes no rules';
  return found.AllowLocalFirewallRules === 'False' ? 'takes no rules of this machine' : 'takes rules';
}

/**
 * Windows makes them when its question about a program that listens is dismissed.
 * @see https://learn.microsoft.com/windows/security/operating-system-security/network-security/windows-firewall/rules
 */
async function readBlockingRules(read: Read, program: string): Promise<Known<WindowsFacts['blockingRules']>> {
  const ofProgram = cmdlet('Get-NetFirewallApplicationFilter', { Program: program });
  const fields = {
    ...({ Name: 'text', DisplayName: 'text', Enabled: 'text' } as const),
    ...({ Direction: 'text', Action: 'text' } as const),
  };
  try {
    const rows = await read([ofProgram, cmdlet('Get-NetFirewallRule')], fields);
    return rows.flatMap(({ Name = '', DisplayName = '', Enabled, Direction, Action }) =>
      Enabled === 'True' && Direction === 'Inbound' && Action === 'Block'
        ? [{ name: Name, title: DisplayName }]
        : [],
    );
  } catch (error) {
    // The cmdlet fails when no rule names the program.
    if (error instanceof PowerShellError && error.errorId.startsWith('CmdletizationQuery_NotFound'))
      return [];
    throw error;
  }
}

async function readSystem(read: Read) {
  const [found] = await read([cmdlet('Get-CimInstance', { ClassName: 'Win32_OperatingSystem' })], {
    ...({ Caption: 'text', BuildNumber: 'text', OperatingSystemSKU: 'number' } as const),
    FreePhysicalMemory: 'number',
  });
  return (
    found && {
      caption: found.Caption ?? 'Windows',
      build: Number(found.BuildNumber ?? 0),
      sku: found.OperatingSystemSKU ?? 0,
      freeMemoryMiB: Math.floor((found.FreePhysicalMemory ?? 0) / 1024),
    }
  );
}

async function readHypervisor(read: Read) {
  const [computer] = await read([cmdlet('Get-CimInstance', { ClassName: 'Win32_ComputerSystem' })], {
    ...({ HypervisorPresent: 'boolean', Manufacturer: 'text', Model: 'text' } as const),
  });
  const [processor] = await read([cmdlet('Get-CimInstance', { ClassName: 'Win32_Processor' })], {
    Architecture: 'number',
    VirtualizationFirmwareEnabled: 'boolean',
    SecondLevelAddressTranslationExtensions: 'boolean',
  });
  return {
    isPresent: computer?.HypervisorPresent === true,
    computer: [computer?.Manufacturer, computer?.Model].filter((each) => each !== undefined).join(' '),
    firmwareVirtualization: processor?.VirtualizationFirmwareEnabled === true,
    slat: processor?.SecondLevelAddressTranslationExtensions === true,
    architecture: processor?.Architecture ?? X64,
  };
}

async function readFeature(read: Read): Promise<string | undefined> {
  const feature = cmdlet('Get-WindowsOptionalFeature', { Online: true, FeatureName: 'Microsoft-Hyper-V' });
  const [found] = await read([feature], { State: 'text' });
  return found?.State;
}

async function readLaunchType(bcdedit: string, signal: AbortSignal): Promise<string | undefined> {
  return launchTypeOf((await run(bcdedit, ['/enum', '{current}'], { signal })).stdout);
}

async function readService(read: Read, name: string) {
  // By WMI: PowerShell 7's Get-Service fails as a whole for services that deny the query.
  const service = cmdlet('Get-CimInstance', { ClassName: 'Win32_Service', Filter: `Name = '${name}'` });
  const [found] = await read([service], { State: 'text', StartMode: 'text' });
  return found === undefined
    ? ('absent' as const)
    : { state: found.State ?? '', startMode: found.StartMode ?? '' };
}

async function readWmi(read: Read): Promise<true | undefined> {
  const service = cmdlet('Get-CimInstance', {
    Namespace: VIRTUALIZATION,
    ClassName: 'Msvm_VirtualSystemManagementService',
  });
  const found = await read([service], { Name: 'text' });
  return found.length === 0 ? undefined : true;
}

async function freeGiB(folder: string): Promise<number> {
  return (await freeBytesIn(folder)) / GIB;
}

async function readListeners(read: Read, daemonPid: number | undefined): Promise<readonly Listener[]> {
  const fields = { LocalAddress: 'text', LocalPort: 'number', OwningProcess: 'number' } as const;
  const ours = [53, 67, 445];
  const tcp = await read([cmdlet('Get-NetTCPConnection', { State: 'Listen' })], fields);
  const udp = await read([cmdlet('Get-NetUDPEndpoint')], fields);
  const found = [
    ...tcp.map((row) => ({ ...row, protocol: 'TCP' as const })),
    ...udp.map((row) => ({ ...row, protocol: 'UDP' as const })),
  ].filter(({ LocalPort }) => ours.includes(LocalPort ?? 0));
  const processes = await read([cmdlet('Get-Process')], { Id: 'number', Name: 'text' });
  const names = new Map(processes.map(({ Id, Name }) => [Id, Name]));
  const services = await read([cmdlet('Get-CimInstance', { ClassName: 'Win32_Service' })], {
    ...({ Name: 'text', ProcessId: 'number' } as const),
  });
  return found.map(({ protocol, LocalAddress, LocalPort, OwningProcess }) => ({
    ...{ protocol, address: LocalAddress ?? '', port: LocalPort ?? 0 },
    services: services.flatMap(({ Name, ProcessId }) =>
      Name === undefined || ProcessId !== OwningProcess ? [] : [Name],
    ),
    isOurs: OwningProcess !== undefined && OwningProcess === daemonPid,
    process: names.get(OwningProcess) ?? `process ${OwningProcess ?? '?'}`,
  }));
}

/** For code that reads the host through a PowerShell. */
function readerOf(read: Read): Pick<PowerShell, 'read'> {
  return { read: ({ pipeline, fields }) => read(pipeline, fields) };
}

async function readNats(shared: SharedReads) {
  const rows = await shared['Get-NetNat']();
  return rows.map(({ Name = '', InternalIPInterfaceAddressPrefix: prefix }) => ({ name: Name, prefix }));
}

async function readAdapters(shared: SharedReads) {
  const rows = await shared['Get-NetAdapter']();
  return rows.map(({ Name = '', InterfaceDescription = '', Status }) => ({
    ...{ name: Name, description: InterfaceDescription, isUp: Status === 'Up' },
  }));
}

async function readDockerDesktop(read: Read) {
  const service = await readService(read, 'com.docker.service');
  const isRunning = await read([cmdlet('Get-Process'), { where: 'Name', equals: 'Docker Desktop' }], {
    Id: 'number',
  }).catch((error: unknown) => {
    if (error instanceof PowerShellError) return [];
    throw error;
  });
  return { isInstalled: service !== 'absent', isRunning: isRunning.length > 0 };
}
