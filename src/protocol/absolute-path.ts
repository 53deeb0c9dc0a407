import type { HostPlatform } from './platform.js';

export interface PathDemands {
  /** A network share will not do: what is kept there is locked, secret or used while the network is down. */
  readonly isLocal: boolean;
}

/** `\\?\` and `\\.\`, with either slash. */
const DEVICE = /^[\\/]{2}[?.][\\/]/;
const DRIVE = /^[A-Za-z]:/;
/** Server and share. */
const SHARE = /^[\\/]{2}[^\\/]+[\\/]+[^\\/]+/;
/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file#naming-conventions */
const NOT_ON_WINDOWS = /[\x00-\x1f<>:"|?*]/;

/**
 * What keeps a text from being an absolute path of that platform, completing a sentence that begins with the
 * name of a setting or variable; undefined if nothing does.
 */
export function pathProblem(text: string, platform: HostPlatform, demands: PathDemands): string | undefined {
  return platform === 'windows' ? windowsProblem(text, demands) : linuxProblem(text);
}

/** Depends on the current folder and on nothing else: neither a drive nor a leading slash. */
export function isRelativePath(text: string): boolean {
  return !DRIVE.test(text) && !/^[\\/]/.test(text);
}

function linuxProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not contain a NUL character';
  if (text.startsWith('/')) return undefined;
  return DRIVE.test(text) || text.startsWith('\\\\')
    ? 'must be a path of this host, which starts with "/", not a Windows path'
    : 'must be an absolute path, such as /srv/mobyvm';
}

function windowsProblem(text: string, { isLocal }: PathDemands): string | undefined {
  if (DEVICE.test(text)) return 'must be an ordinary path, without \\\\?\\ or \\\\.\\';
  const isNetworkPath = /^[\\/]{2}/.test(text);
  if (isNetworkPath && isLocal) return 'must be on a drive of this host, not on a network share';
  if (isNetworkPath && !SHARE.test(text))
    return 'must name a server and a share, such as \\\\server\\share\\mobyvm';
  if (!isNetworkPath && !/^[A-Za-z]:[\\/]/.test(text))
    return 'must be an absolute path with a drive, such as C:\\mobyvm';
  const [bad] = NOT_ON_WINDOWS.exec(isNetworkPath ? text : text.slice(2)) ?? [];
  return bad === undefined ? undefined : `must not contain ${JSON.stringify(bad)}`;
}
