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

/**
 * An endpoint as Docker's clients take it (`DOCKER_HOST`, contexts).
 * @param address of a unix socket or a named pipe
 */
export function endpointUrl(platform: HostPlatform, address: string): string {
  return platform === 'windows' ? `npipe://${address.replaceAll('\\', '/')}` : `unix://${address}`;
}

/** The line that points the Docker CLI at the engine's endpoint, ready to be pasted into the platform's usual shell. */
export function dockerHostLine(platform: HostPlatform, endpoint: string): string {
  const url = endpointUrl(platform, endpoint);
  return platform === 'windows'
    ? `$env:DOCKER_HOST = '${url.replaceAll("'", "''")}'`
    : `export DOCKER_HOST=${shellQuoted(url)}`;
}

/** One word for a POSIX shell; texts without special characters stay as they are. */
function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
