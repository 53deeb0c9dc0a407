/** How the host writes paths. Both use drive letters: on Linux, a share has one too. */
export type PathRule = 'windows' | 'linux';

export type HostPath =
  /** A volume's name, something relative, or a path of the VM: left to the engine. */
  | { readonly kind: 'other' }
  /** On Linux: an absolute path that host and VM may both have. It is not changed. */
  | { readonly kind: 'host'; readonly path: string }
  /** A file of the VM that replaces something of the host. */
  | { readonly kind: 'guest'; readonly path: string }
  /** A path on a drive, in its guest form: `/C/Users/x`. */
  | { readonly kind: 'drive'; readonly drive: string; readonly path: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly advice: string };

/** `PATH_MAX` of the guest (include/uapi/linux/limits.h) without the terminating NUL, in bytes. */
const MAX_PATH_BYTES = 4_095;
const OTHER: HostPath = { kind: 'other' };
const SOCKET_IN_GUEST = '/var/run/docker.sock';
const ENGINE_SOCKET: HostPath = { kind: 'guest', path: SOCKET_IN_GUEST };
/** Docker's own pipe and ours; users name either, whichever the host has. */
const ENGINE_PIPES = ['docker_engine', 'mobyvm_engine'];

/**
 * `\\?\` and `\\.\`, with either slash: a verbatim path or a device follows,
 * https://learn.microsoft.com/en-us/dotnet/standard/io/file-path-formats#dos-device-paths.
 */
const DEVICE_PREFIX = /^[\\/]{2}([?.])[\\/]/;
/** Only pipes have names like these, so they are recognized by the rule of Linux as well. */
const PIPE_PREFIX = /^[\\/]{2}[?.][\\/]pipe[\\/]/i;
const DRIVE = /^([A-Za-z]):(.*)$/s;
/** As git-bash, Docker Toolbox, Docker Desktop and WSL write drives. */
const DRIVE_AS_FOLDER = /^(?:\/\/?|\/host_mnt\/|\/mnt\/)([A-Za-z])(\/.*)?$/s;
const GUEST_FORM = /^\/([A-Z])(\/.*)?$/s;
/**
 * Characters that Windows does not allow in file names:
 * https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file#naming-conventions.
 */
const NOT_ON_WINDOWS = /[\x00-\x1f<>:"|?*]/;

/**
 * Converts a path as the user writes it on the host to what it is in the VM. The guest form is fixed:
 * `C:\Users\x` is always `/C/Users/x`.
 * @param engineAddress where the host offers the engine: the socket or pipe that DOCKER_HOST names
 */
export function readHostPath(text: string, rule: PathRule, engineAddress?: string): HostPath {
  if (text === SOCKET_IN_GUEST) return OTHER;
  if (isEngineSocket(text, engineAddress)) return ENGINE_SOCKET;
  const prefix = DEVICE_PREFIX.exec(text);
  if (prefix !== null && (rule === 'windows' || text.startsWith('\\') || PIPE_PREFIX.test(text))) {
    return readDevicePath(text.slice(prefix[0].length), { rule, isVerbatim: prefix[1] === '?' });
  }
  const [, letter, rest = ''] = DRIVE.exec(text) ?? [];
  if (letter !== undefined) {
    if (rest !== '' && !/^[\\/]/.test(rest)) return refusedAsRelative(text, letter);
    return onDrive(letter, rest, { rule, isVerbatim: false });
  }
  if (text.startsWith('\\\\')) return refusedAsNetworkPath(text);
  if (rule === 'windows' && text.startsWith('\\')) return refusedAsRootless(text);
  const folder = (rule === 'windows' ? DRIVE_AS_FOLDER : GUEST_FORM).exec(text);
  if (folder?.[1] !== undefined) return onDrive(folder[1], folder[2] ?? '', { rule, isVerbatim: false });
  if (rule === 'linux' && text.startsWith('/')) {
    return { kind: 'host', path: `/${resolvedSegments(text.split('/')).join('/')}` };
  }
  return OTHER;
}

/**
 * Whether a path is the engine's socket, in any spelling. `//var/run/docker.sock` is what users of git-bash
 * write: with two slashes, it does not convert the path.
 */
function isEngineSocket(text: string, engineAddress: string | undefined): boolean {
  const path = socketPath(text);
  return (
    path !== undefined && (path === socketPath(SOCKET_IN_GUEST) || path === socketPath(engineAddress ?? ''))
  );
}

/** An absolute path without empty and dot segments. `/var/run` is `/run` on every Linux in use. */
function socketPath(text: string): string | undefined {
  if (text.startsWith('\\')) return text.toLowerCase();
  if (!text.startsWith('/')) return undefined;
  return resolvedSegments(text.split('/'))
    .join('/')
    .replace(/^var\/run\//, 'run/');
}

/** Resolves `.`, `..` and empty segments, without leaving the root. */
function resolvedSegments(segments: readonly string[]): string[] {
  const resolved: string[] = [];
  for (const segment of segments) {
    if (segment === '..') resolved.pop();
    else if (segment !== '' && segment !== '.') resolved.push(segment);
  }
  return resolved;
}

/**
 * Converts a guest path to the user's form; undefined if it is not on a drive, or if no form of it would be
 * read back as the same path. For every guest path g with a result h, reading h gives g.
 */
export function writeHostPath(guestPath: string, rule: PathRule): string | undefined {
  const [, letter, rest = ''] = GUEST_FORM.exec(guestPath) ?? [];
  if (letter === undefined) return undefined;
  if (rest === '') return `${letter}:\\`;
  const tail = rest.slice(1).replaceAll('/', '\\');
  const candidates = [`${letter}:\\${tail}`, `\\\\?\\${letter}:\\${tail}`];
  return candidates.find((text) => {
    const read = readHostPath(text, rule);
    return read.kind === 'drive' && read.path === guestPath;
  });
}

interface Reading {
  readonly rule: PathRule;
  /** After `\\?\`: Windows does not normalize such a path. */
  readonly isVerbatim: boolean;
}

function readDevicePath(text: string, reading: Reading): HostPath {
  const [, letter, rest = ''] = DRIVE.exec(text) ?? [];
  if (letter !== undefined && /^([\\/]|$)/.test(rest)) return onDrive(letter, rest, reading);
  const [, pipe] = /^pipe[\\/](.+)$/is.exec(text) ?? [];
  if (pipe !== undefined && ENGINE_PIPES.includes(pipe.toLowerCase())) return ENGINE_SOCKET;
  if (pipe !== undefined) {
    return {
      kind: 'refused',
      reason: `the named pipe "${pipe}" cannot be mounted into a Linux container`,
      advice:
        "Only the engine's own pipe can be mounted: \\\\.\\pipe\\docker_engine becomes /var/run/docker.sock.",
    };
  }
  if (/^UNC[\\/]/i.test(text)) return refusedAsNetworkPath(text);
  return {
    kind: 'refused',
    reason: `"${text}" is a device, not a folder on a drive`,
    advice: 'Use a path on a drive, such as C:\\Users\\me.',
  };
}

function onDrive(letter: string, rest: string, { rule, isVerbatim }: Reading): HostPath {
  const drive = letter.toUpperCase();
  const segments = resolvedSegments(rest.split(/[\\/]/));
  const isNormalized = rule === 'windows' && !isVerbatim;
  const names = isNormalized ? normalized(segments, /[\\/]$/.test(rest)) : segments;
  const path = ['', drive, ...names].join('/');
  const bad = rule === 'windows' ? NOT_ON_WINDOWS.exec(names.join('/')) : /\0/.exec(path);
  if (bad !== null) {
    return {
      kind: 'refused',
      reason: `a path on drive ${drive} cannot contain ${JSON.stringify(bad[0])}`,
      advice: 'Correct the path and try again.',
    };
  }
  if (new TextEncoder().encode(path).length > MAX_PATH_BYTES) {
    return {
      kind: 'refused',
      reason: `a path on drive ${drive} is longer than the ${MAX_PATH_BYTES} bytes that Linux allows`,
      advice: 'Mount a folder closer to the root of the drive.',
    };
  }
  return { kind: 'drive', drive, path };
}

/**
 * Normalizes as Windows does: a segment loses a single dot at its end, and the last one all dots and spaces
 * unless a slash follows:
 * https://learn.microsoft.com/en-us/dotnet/standard/io/file-path-formats#trim-characters.
 */
function normalized(segments: readonly string[], endsInSlash: boolean): readonly string[] {
  return segments
    .map((segment, index) => {
      if (index === segments.length - 1 && !endsInSlash) return segment.replace(/[. ]+$/, '');
      return segment.replace(/([^.])\.$/, '$1');
    })
    .filter((segment) => segment !== '');
}

function refusedAsRelative(text: string, letter: string): HostPath {
  return {
    kind: 'refused',
    reason: `"${text}" is relative to the current folder on drive ${letter.toUpperCase()}, which mobyvm does not know`,
    advice: `Use the full path, such as ${letter.toUpperCase()}:\\${text.slice(2)}.`,
  };
}

function refusedAsRootless(text: string): HostPath {
  return {
    kind: 'refused',
    reason: `"${text}" does not name a drive`,
    advice: `Use the full path, such as C:${text}.`,
  };
}

function refusedAsNetworkPath(text: string): HostPath {
  return {
    kind: 'refused',
    reason: `"${text}" is a network path, and only drives are shared with the VM`,
    advice:
      'Mount it as a volume: docker volume create --driver local --opt type=cifs --opt device=//SERVER/SHARE --opt o=username=NAME,password=… VOLUME',
  };
}
