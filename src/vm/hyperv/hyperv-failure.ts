import { isAbort, MobyvmError, type ErrorCode } from '../../core/values/index.js';
import { cmdletEntry, isForbidden, isMissing, PowerShellError } from '../../powershell/index.js';

/** HRESULTs that say more than "it failed"; their names are those of winerror.h and of Hyper-V's documentation. */
const E_ACCESSDENIED = 0x8007_0005;
const E_OUTOFMEMORY = 0x8007_000e;
const ERROR_NO_SYSTEM_RESOURCES = 0x8007_05aa;
const ERROR_ELEVATION_REQUIRED = 0x8007_02e4;
const ERROR_SHARING_VIOLATION = 0x8007_0020;
const ERROR_DISK_FULL = 0x8007_0070;
const ERROR_SUCCESS_REBOOT_REQUIRED = 0x8007_0bc2;
const HYPERVISOR_NOT_PRESENT = 0xc035_1000;
const VIRTUAL_DISK_LIMITATION = 0xc03a_001a;

type Problem = readonly [problem: string, remedy: string];

const ACCESS: Problem = [
  'access was denied',
  'mobyvm needs the rights of an administrator: run it as the service, or from an elevated terminal.',
];
/** Of a machine that is to be started: mobyvm could read all of it by then. */
const ACCESS_TO_FILES: Problem = [
  'access was denied, to mobyvm or to the machine for one of its files',
  'Run mobyvm as the service, or from an elevated terminal. If it is: let the group "NT VIRTUAL MACHINE\\Virtual Machines" read the boot ISO and change the data disk.',
];
const MEMORY: Problem = [
  'the host has too little free memory',
  'Close programs or other machines, or set vm.memoryMiB lower.',
];
const IN_USE: Problem = [
  'it is in use',
  'Wait for what uses it (a backup, an export, another program), then run the command again.',
];
const BY_HRESULT = new Map<number, Problem>([
  [E_ACCESSDENIED, ACCESS],
  [ERROR_ELEVATION_REQUIRED, ACCESS],
  [E_OUTOFMEMORY, MEMORY],
  [ERROR_NO_SYSTEM_RESOURCES, MEMORY],
  [
    ERROR_SHARING_VIOLATION,
    [
      'a file is in use by another program',
      'Look for another machine with the same disk, a backup or a virus scanner, then run the command again.',
    ],
  ],
  [
    VIRTUAL_DISK_LIMITATION,
    [
      'the folder of the data disk is compressed or encrypted',
      "Switch both off in the folder's properties (`compact /u`, `cipher /d`), also for the file itself, then run the command again.",
    ],
  ],
  [ERROR_DISK_FULL, ['the disk is full', 'Free some space, then run the command again.']],
  [
    ERROR_SUCCESS_REBOOT_REQUIRED,
    ['Windows must be restarted first', 'Restart Windows, then run the command again.'],
  ],
  [
    HYPERVISOR_NOT_PRESENT,
    [
      'the hypervisor does not run',
      'Switch virtualization on in the firmware, run `bcdedit /set hypervisorlaunchtype auto`, and restart Windows.',
    ],
  ],
]);
const BY_CATEGORY: Readonly<Record<string, Problem>> = {
  PermissionDenied: ACCESS,
  ResourceBusy: IN_USE,
};
/** The ids of Hyper-V's own cmdlets, which tell no HRESULT of their own. */
const BY_ID: Readonly<Record<string, Problem>> = {
  AccessDenied: ACCESS,
  OutOfMemory: MEMORY,
  ObjectInUse: IN_USE,
  InvalidState: [
    'its state does not allow it',
    'Look at it in Hyper-V Manager: wait until what runs there has ended, then run the command again.',
  ],
  ObjectNotFound: [
    'something that it needs is not there',
    'Run the command again: what is missing is made anew. If it stays so, run `mobyvm doctor`.',
  ],
};
/** What to do when Hyper-V is switched off. */
export const ENABLE_REMEDY =
  'Switch it on and restart Windows: Enable-WindowsOptionalFeature -Online -All -FeatureName Microsoft-Hyper-V (on Windows Server: Install-WindowsFeature Hyper-V -IncludeManagementTools -Restart)';
/**
 * What to do about a policy that keeps PowerShell from running what it needs. Windows' own modules are loaded with any execution policy, as
 * long as their signatures can be verified.
 */
export const POLICY_REMEDY =
  'See where `Get-Module -ListAvailable Hyper-V, NetNat, NetAdapter` finds the modules: only those below System32 are those of Windows. If they are: see that the service CryptSvc runs, which verifies their signatures, and ask your administrator what AppLocker, App Control and `Get-ExecutionPolicy -List` allow to the account of mobyvm.';

/**
 * What a failed call means for the user. Decided by HRESULT, category and error id; Windows' own text stands behind it. What is no
 * PowerShellError stays as it is.
 * @param what that could not be done, for example `The virtual machine was not started`
 */
export function hypervFailure(what: string, thrown: unknown, code: ErrorCode = 'MOBYVM_HYPERV'): unknown {
  if (!(thrown instanceof PowerShellError)) return thrown;
  const [problem, remedy] = problemOf(thrown);
  const text = thrown.message.replaceAll(/\s+/g, ' ').trim();
  const { errorId, category, command } = thrown;
  return new MobyvmError(
    thrown.hresult === ERROR_DISK_FULL ? 'MOBYVM_DISK_FULL' : code,
    `${what}: ${problem}${text === '' ? '' : `. Windows says: ${text}`}`,
    remedy,
    { cause: thrown, details: { command, errorId, category, hresult: hex(thrown.hresult) } },
  );
}

/** The rights lack: mobyvm's own, or those of a machine for its files. */
export function isDenied(thrown: unknown): boolean {
  return (
    thrown instanceof PowerShellError &&
    (thrown.hresult === E_ACCESSDENIED ||
      thrown.hresult === ERROR_ELEVATION_REQUIRED ||
      thrown.errorId === 'AccessDenied' ||
      thrown.category === 'PermissionDenied')
  );
}

/** Runs it, and turns its failure into one that the user understands. */
export async function orHypervFailure<T>(what: string, work: () => Promise<T>, code?: ErrorCode): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isAbort(error)) throw error;
    throw hypervFailure(what, error, code);
  }
}

/** Windows called it done, and it is not so. */
export function withoutEffect(what: string, code: ErrorCode = 'MOBYVM_HYPERV'): MobyvmError {
  return new MobyvmError(
    code,
    `${what}: Windows called it done, but it is not so.`,
    'Run the command again. If it stays so, restart the service "Hyper-V Virtual Machine Management" (vmms), or Windows.',
  );
}

function problemOf(thrown: PowerShellError): Problem {
  const { hresult, category, errorId, command } = thrown;
  if (isMissing(thrown)) return missing(command);
  if (isForbidden(thrown)) return ['a policy keeps PowerShell from running what it needs', POLICY_REMEDY];
  const byId = Object.hasOwn(BY_ID, errorId) ? BY_ID[errorId] : undefined;
  const found = BY_HRESULT.get(hresult) ?? byId ?? BY_CATEGORY[category];
  if (found === ACCESS && command === 'Start-VM') return ACCESS_TO_FILES;
  return (
    found ?? [
      hresult === 0 ? (errorId === '' ? 'it failed' : errorId) : `it failed with ${hex(hresult)}`,
      'Run `mobyvm doctor`; it looks at everything that Hyper-V needs.',
    ]
  );
}

function missing(command: string): Problem {
  const module = cmdletEntry(command)?.module ?? 'Hyper-V';
  const whose = module === 'Hyper-V' ? "Hyper-V's PowerShell module" : `PowerShell's module ${module}`;
  return [`${whose} is missing or cannot be loaded`, moduleRemedy(module)];
}

/** What to do about a module that is missing or cannot be loaded. The one of Hyper-V may be off while Hyper-V is on. */
export function moduleRemedy(module: string): string {
  return module === 'Hyper-V'
    ? 'Switch it on: Enable-WindowsOptionalFeature -Online -All -FeatureName Microsoft-Hyper-V-Management-PowerShell (on Windows Server: Install-WindowsFeature Hyper-V-PowerShell)'
    : `It belongs to Windows: look at what \`Import-Module ${module}\` says, and at \`Get-ExecutionPolicy -List\`; or run \`sfc /scannow\`.`;
}

function hex(hresult: number): string {
  return `0x${hresult.toString(16).padStart(8, '0')}`;
}
