import { MobyvmError, textOf } from '../core/values/index.js';

export type HostPlatform = 'linux' | 'windows';

/** The rights that mobyvm needs to change the host: root on Linux, an elevated administrator on Windows. */
export interface Rights {
  /** Whether this process has them. */
  areHeld(): Promise<boolean>;
  /** What to do without them, as a sentence. */
  readonly remedy: string;
}

const RIGHTS_REMEDIES: Readonly<Record<HostPlatform, string>> = {
  linux: 'Run the command as root, e.g. with sudo.',
  windows: 'Run the command from an elevated prompt ("Run as administrator").',
};

export function rightsOf(platform: HostPlatform, areHeld: () => Promise<boolean>): Rights {
  return { areHeld, remedy: RIGHTS_REMEDIES[platform] };
}

/** @param cause what the system refused, if the system found out first */
export function missingRightsError({ remedy }: Pick<Rights, 'remedy'>, cause?: unknown): MobyvmError {
  const message =
    cause === undefined
      ? 'Creating the VM and its network needs administrative rights.'
      : `Permission denied (${textOf(cause)}).`;
  return new MobyvmError('MOBYVM_NOT_ROOT', message, remedy, { cause });
}

/** The line that points the Docker CLI at the engine's endpoint, ready to be pasted into the platform's usual shell. */
export function dockerHostLine(platform: HostPlatform, endpoint: string): string {
  return platform === 'windows'
    ? `$env:DOCKER_HOST = '${`npipe://${endpoint.replaceAll('\\', '/')}`.replaceAll("'", "''")}'`
    : `export DOCKER_HOST=${shellQuoted(`unix://${endpoint}`)}`;
}

/** One word for a POSIX shell; texts without special characters stay as they are. */
function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
