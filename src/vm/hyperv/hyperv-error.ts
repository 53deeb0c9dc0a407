import { HResult, isAbort, MobyvmError, type ErrorCode } from '../../core/values/index.js';
import { cmdletEntry, isForbidden, isMissing, PowerShellError } from '../../powershell/index.js';

type Problem = readonly [problem: string, remedy: string];

const ACCESS: Problem = [
  'access was denied',
  'mobyvm needs administrator rights: run it as the service, or from an elevated terminal.',
];
/** While starting a machine: mobyvm itself has had access until then. */
const ACCESS_TO_FILES: Problem = [
  'access was denied, either to mobyvm or to the virtual machine for one of its files',
  'Run mobyvm as the service, or from an elevated terminal. If it already does: give the group "NT VIRTUAL MACHINE\\Virtual Machines" read access to the boot ISO and modify access to the data disk.',
];
const MEMORY: Problem = [
  'the host does not have enough free memory',
  'Close programs or stop other virtual machines, or lower vm.memoryMiB.',
];
const IN_USE: Problem = [
  'it is in use',
  'Wait for the backup, export or other program that is using it, then run the command again.',
];
const BY_HRESULT = new Map<number, Problem>([
  [HResult.accessDenied, ACCESS],
  [HResult.elevationRequired, ACCESS],
  [HResult.outOfMemory, MEMORY],
  [HResult.noSystemResources, MEMORY],
  [
    HResult.sharingViolation,
    [
      'a file is in use by another program',
      'Check for another virtual machine with the same disk, a backup or a virus scanner, then run the command again.',
    ],
  ],
  [
    HResult.virtualDiskLimitation,
    [
      'the folder of the data disk is compressed or encrypted',
      'Turn both off for the folder and for the file itself (`compact /u`, `cipher /d`), then run the command again.',
    ],
  ],
  [HResult.diskFullError, ['the disk is full', 'Free up some space, then run the command again.']],
  [
    HResult.successRebootRequired,
    ['Windows must be restarted first', 'Restart Windows, then run the command again.'],
  ],
  [
    HResult.hypervisorNotPresent,
    [
      'the hypervisor is not running',
      'Enable virtualization in the firmware, run `bcdedit /set hypervisorlaunchtype auto`, and restart Windows.',
    ],
  ],
]);
const BY_CATEGORY: Readonly<Record<string, Problem>> = {
  PermissionDenied: ACCESS,
  ResourceBusy: IN_USE,
};
/** Error ids of Hyper-V's cmdlets, which report no specific HRESULT. */
const BY_ID: Readonly<Record<string, Problem>> = {
  AccessDenied: ACCESS,
  OutOfMemory: MEMORY,
  ObjectInUse: IN_USE,
  InvalidState: [
    'the machine is in the wrong state',
    'Check it in Hyper-V Manager: wait until the running operation has finished, then run the command again.',
  ],
  ObjectNotFound: [
    'something that it needs does not exist',
    'Run the command again: what is missing is recreated. If that does not help, run `mobyvm doctor`.',
  ],
};
/** Remedy when Hyper-V is not enabled. */
export const ENABLE_REMEDY =
  'Enable it and restart Windows: Enable-WindowsOptionalFeature -Online -All -FeatureName Microsoft-Hyper-V (on Windows Server: Install-WindowsFeature Hyper-V -IncludeManagementTools -Restart)';
/**
 * Remedy when a policy keeps PowerShell from running what mobyvm needs. Windows' own modules load under any
 * execution policy, as long as their signatures can be verified.
 * @see https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_execution_policies
 */
export const POLICY_REMEDY =
  'Check where `Get-Module -ListAvailable Hyper-V, NetNat, NetAdapter` finds the modules: only those below System32 belong to Windows. If they are there, make sure that the service CryptSvc is running, which verifies their signatures, and ask your administrator what AppLocker, App Control and `Get-ExecutionPolicy -List` allow for the account that runs mobyvm.';

/**
 * What a failed call means for the user. Decided by HRESULT, category and error id, never by Windows'
 * localised text, which is only appended. Anything but a PowerShellError is returned unchanged.
 * @param what failed, for example `The virtual machine was not started`
 */
export function hypervError(what: string, thrown: unknown, code: ErrorCode = 'MOBYVM_HYPERV'): unknown {
  if (!(thrown instanceof PowerShellError)) return thrown;
  const [problem, remedy] = problemOf(thrown);
  const text = thrown.message.replaceAll(/\s+/g, ' ').trim();
  const { errorId, category, command } = thrown;
  return new MobyvmError(
    thrown.hresult === HResult.diskFullError ? 'MOBYVM_DISK_FULL' : code,
    `${what}: ${problem}${text === '' ? '' : `. Windows says: ${text}`}`,
    remedy,
    { cause: thrown, details: { command, errorId, category, hresult: hex(thrown.hresult) } },
  );
}

/** Access was denied: to mobyvm itself, or to a virtual machine for one of its files. */
export function isDenied(thrown: unknown): boolean {
  return (
    thrown instanceof PowerShellError &&
    (thrown.hresult === HResult.accessDenied ||
      thrown.hresult === HResult.elevationRequired ||
      thrown.errorId === 'AccessDenied' ||
      thrown.category === 'PermissionDenied')
  );
}

/** The host is the reason, not the machine or its saved state: the same call can work later. */
export function isHostProblem(thrown: unknown): boolean {
  if (!(thrown instanceof PowerShellError)) return false;
  const { hresult, errorId, category } = thrown;
  if (isMissing(thrown) || isForbidden(thrown) || BY_HRESULT.has(hresult)) return true;
  const byId = Object.hasOwn(BY_ID, errorId) ? BY_ID[errorId] : undefined;
  return Object.hasOwn(BY_CATEGORY, category) || [ACCESS, MEMORY, IN_USE].some((each) => each === byId);
}

/** Runs it, and turns a failure into an error that the user understands. */
export async function orHypervError<T>(what: string, work: () => Promise<T>, code?: ErrorCode): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw hypervError(what, error, code);
  }
}

/** Windows reported success, but nothing has changed. */
export function withoutEffectError(what: string, code: ErrorCode = 'MOBYVM_HYPERV'): MobyvmError {
  return new MobyvmError(
    code,
    `${what}: Windows reported success, but nothing has changed.`,
    'Run the command again. If that does not help, restart the service "Hyper-V Virtual Machine Management" (vmms), or Windows.',
  );
}

function problemOf(thrown: PowerShellError): Problem {
  const { hresult, category, errorId, command } = thrown;
  if (isMissing(thrown)) return missingModule(command);
  if (isForbidden(thrown)) return ['a policy keeps PowerShell from running what mobyvm needs', POLICY_REMEDY];
  const byId = Object.hasOwn(BY_ID, errorId) ? BY_ID[errorId] : undefined;
  const found = BY_HRESULT.get(hresult) ?? byId ?? BY_CATEGORY[category];
  if (found === ACCESS && command === 'Start-VM') return ACCESS_TO_FILES;
  return (
    found ?? [
      hresult === 0 ? (errorId === '' ? 'it failed' : errorId) : `it failed with ${hex(hresult)}`,
      'Run `mobyvm doctor`: it checks everything that Hyper-V needs.',
    ]
  );
}

function missingModule(command: string): Problem {
  const module = cmdletEntry(command)?.module ?? 'Hyper-V';
  const whose = module === 'Hyper-V' ? "Hyper-V's PowerShell module" : `PowerShell's module ${module}`;
  return [`${whose} is missing or cannot be loaded`, moduleRemedy(module)];
}

/**
 * Remedy for a module that is missing or cannot be loaded. Hyper-V's module can be off while Hyper-V is on.
 */
export function moduleRemedy(module: string): string {
  return module === 'Hyper-V'
    ? 'Enable it: Enable-WindowsOptionalFeature -Online -All -FeatureName Microsoft-Hyper-V-Management-PowerShell (on Windows Server: Install-WindowsFeature Hyper-V-PowerShell)'
    : `It is part of Windows: check the output of \`Import-Module ${module}\` and \`Get-ExecutionPolicy -List\`, or run \`sfc /scannow\`.`;
}

function hex(hresult: number): string {
  return `0x${hresult.toString(16).padStart(8, '0')}`;
}
