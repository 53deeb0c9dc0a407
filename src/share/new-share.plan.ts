import type { PathRule } from './paths/host-path.plan.js';
import type { OwnerChoice } from './share.js';
import type { ShareEntry } from './share-entry.js';
import { addCommand, shareCommand } from './share-command.plan.js';
import { isWithin } from './share-lookup.plan.js';
import { holdsPathOfVm, isPathOfVm } from './vm-paths.plan.js';

/** What `mobyvm share add` was given. */
export interface ShareRequest {
  /** A drive's letter, or a path of the host. */
  readonly name: string;
  readonly path: string | undefined;
  readonly isReadOnly: boolean;
  readonly user: string | undefined;
  /** How files look in the VM, where it differs from the settings. */
  readonly owner?: OwnerChoice | undefined;
}

export type NewShare =
  | { readonly kind: 'share'; readonly share: ShareEntry }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string };

interface Place {
  readonly id: string;
  readonly name: string;
  readonly hostPath: string;
  readonly points: readonly string[];
}

type Refused = Extract<NewShare, { readonly kind: 'refused' }>;

const MAX_PATH = 1_024;
const EXAMPLE = '/home/me/site';
const LETTER = /^([A-Za-z])(?::[\\/]?)?$/;
const DRIVE_PATH = /^[A-Za-z]:[\\/]/;

/** Decides what a request shares, and where it will be in the VM. Whether the folder exists is not known here. */
export function newShare(request: ShareRequest, rule: PathRule, shares: readonly ShareEntry[]): NewShare {
  const userProblem = request.user === undefined ? undefined : problemOfUser(request.user);
  if (userProblem !== undefined) return userProblem;
  const place = rule === 'windows' ? windowsPlace(request) : linuxPlace(request);
  if ('kind' in place) return place;
  const overlap = overlapOf(place, shares);
  if (overlap !== undefined) return overlap;
  const { isReadOnly, user, owner } = request;
  const account = user === undefined ? ({ kind: 'private' } as const) : ({ kind: 'user', user } as const);
  const share = { ...place, isReadOnly, account, ...(owner && { chosenOwner: owner }) };
  return { kind: 'share', share };
}

/** The id of the share that a user names: by its letter in any form, or by its path. */
export function findShare<S extends { readonly id: string; readonly name: string }>(
  name: string,
  shares: readonly S[],
): S | undefined {
  const letter = LETTER.exec(name)?.[1]?.toUpperCase();
  const path = name.startsWith('/') ? cleanLinuxPath(name) : name;
  return shares.find((share) => share.id === letter || share.name === path || share.id === name);
}

function linuxPlace(request: ShareRequest): Place | Refused {
  const { name, path } = request;
  const letter = LETTER.exec(name)?.[1]?.toUpperCase();
  if (letter !== undefined) {
    if (path === undefined) {
      return refused(
        `Drive ${letter} needs a folder: this host has no drives.`,
        `Name one: ${addCommand({ ...request, name: letter, path: EXAMPLE })}`,
      );
    }
    const problem = problemOfLinuxPath(path);
    if (problem !== undefined) return problem;
    return {
      id: letter,
      name: letter,
      hostPath: cleanLinuxPath(path),
      points: [`/${letter}`, `/${letter.toLowerCase()}`],
    };
  }
  if (DRIVE_PATH.test(name)) {
    const drive = name.slice(0, 1).toUpperCase();
    return refused(
      `"${name}" is a path of Windows.`,
      `Share a folder of this host as drive ${drive}: ${addCommand({ ...request, name: drive, path: EXAMPLE })}`,
    );
  }
  const problem = problemOfLinuxPath(name);
  if (problem !== undefined) return problem;
  if (path !== undefined) {
    return refused(
      '--path is for drive letters: a folder of this host has the same path in the VM.',
      `Leave it out: ${addCommand({ ...request, path: undefined })}`,
    );
  }
  return sharedAsItself(cleanLinuxPath(name), request);
}

function sharedAsItself(path: string, request: ShareRequest): Place | Refused {
  if (isPathOfVm(path) || holdsPathOfVm(path)) {
    return refused(
      `${path} cannot be shared: the VM needs its own ${path}.`,
      `Share a folder below it, or give it a letter: ${addCommand({ ...request, name: 'C', path })}`,
    );
  }
  if (/^\/[A-Za-z](?:\/|$)/.test(path)) {
    return refused(
      `${path} cannot be shared as itself: in the VM, /${path.slice(1, 2)} is a drive.`,
      `Give it a letter: ${addCommand({ ...request, name: path.slice(1, 2).toUpperCase(), path })}`,
    );
  }
  return { id: idOf(path), name: path, hostPath: path, points: [path] };
}

function windowsPlace(request: ShareRequest): Place | Refused {
  const { name, path } = request;
  const letter = LETTER.exec(name)?.[1]?.toUpperCase();
  if (letter === undefined && path !== undefined) {
    const folder = DRIVE_PATH.test(path) ? path : 'C:\\work';
    const drive = folder.slice(0, 1).toUpperCase();
    return refused(
      '--path goes with a letter.',
      `Name the drive: ${addCommand({ ...request, name: drive, path: folder })}`,
    );
  }
  const full = path ?? (letter === undefined ? name : `${letter}:\\`);
  const problem = problemOfWindowsPath(full);
  if (problem !== undefined) return problem;
  const drive = full.slice(0, 1).toUpperCase();
  if (letter !== undefined && letter !== drive) {
    return refused(
      `"${full}" is not on drive ${letter}.`,
      `A path keeps its drive in the VM: ${addCommand({ ...request, name: drive, path: full })}`,
    );
  }
  const names = full
    .slice(3)
    .split(/[\\/]+/)
    .filter((each) => each !== '' && each !== '.');
  if (names.length === 0) {
    return {
      id: drive,
      name: drive,
      hostPath: `${drive}:\\`,
      points: [`/${drive}`, `/${drive.toLowerCase()}`],
    };
  }
  const below = names.join('/');
  const hostPath = `${drive}:\\${names.join('\\')}`;
  return {
    id: idOf(`${drive}/${below}`),
    name: hostPath,
    hostPath,
    points: [`/${drive}/${below}`, `/${drive.toLowerCase()}/${below}`],
  };
}

function problemOfLinuxPath(path: string): Refused | undefined {
  const example = 'Use a full path, such as /home/me/src.';
  if (path === '') return refused('The path is empty.', example);
  if (/^(?:\\\\|\/\/)/.test(path)) return networkPath(path);
  if (!path.startsWith('/')) {
    return refused(
      `"${path}" is not a drive letter, nor a full path.`,
      `Use C, or a full path such as /home/me/src.`,
    );
  }
  return problemOfText(path);
}

function problemOfWindowsPath(path: string): Refused | undefined {
  if (/^(?:\\\\|\/\/)/.test(path)) return networkPath(path);
  if (!DRIVE_PATH.test(path)) {
    return refused(
      `"${path}" is not a drive letter, nor a full path.`,
      'Use C, or a full path such as C:\\work.',
    );
  }
  if (/(?:^|[\\/])\.\.(?:[\\/]|$)/.test(path)) {
    return refused(`"${path}" has "..", which is not resolved here.`, 'Use the full path, such as C:\\work.');
  }
  if (/[<>:"|?*]/.test(path.slice(2))) {
    return refused(`"${path}" has a character that Windows does not allow in names.`, 'Correct the path.');
  }
  return problemOfText(path);
}

function problemOfText(path: string): Refused | undefined {
  if (/\p{Cc}/u.test(path)) {
    return refused('The path has a control character, such as a line break.', 'Rename the folder.');
  }
  if (new TextEncoder().encode(path).length > MAX_PATH) {
    return refused(`The path is longer than ${MAX_PATH} bytes.`, 'Share a folder closer to the root.');
  }
  return undefined;
}

function networkPath(path: string): Refused {
  return refused(
    `"${path}" is a network path, and only folders of this host can be shared.`,
    'Mount it in a volume: docker volume create --opt type=cifs --opt device=//SERVER/SHARE --opt o=username=NAME VOLUME',
  );
}

/** Azure AD has no password that SMB could check: https://github.com/docker/for-win/issues/132. */
function problemOfUser(user: string): Refused | undefined {
  const remedy =
    'Leave --user out: mobyvm then uses an account of its own, which needs no password of yours.';
  if (/^azuread\\/i.test(user)) {
    return refused(`"${user}" is an Azure AD account: Windows cannot check its password over SMB.`, remedy);
  }
  if (!/^[^\p{Cc}"/:|<>+=;,?*]{1,256}$/u.test(user) || user.split('\\').length > 2 || /^\\|\\$/.test(user)) {
    return refused(`"${user}" is not a user's name.`, 'Write it as me, DOMAIN\\me or me@domain.');
  }
  return undefined;
}

function overlapOf(place: Place, shares: readonly ShareEntry[]): Refused | undefined {
  const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  for (const share of shares) {
    if (share.id === place.id || share.points.some((point) => place.points.includes(point))) {
      return refused(
        `${share.name} is shared already (${share.hostPath}).`,
        `To change it, remove it first: ${shareCommand('remove', share.name)}`,
      );
    }
    const [other = '', own = ''] = [share.points[0], place.points[0]];
    if (isWithin(own, other) || isSame(own, other)) {
      return refused(`${place.name} is part of ${share.name}, which is shared already.`, 'Bind it as it is.');
    }
    if (isWithin(other, own)) {
      return refused(
        `${share.name}, which is shared already, is part of ${place.name}.`,
        `Remove it first: ${shareCommand('remove', share.name)}`,
      );
    }
  }
  return undefined;
}

/** Without doubled slashes and dot segments. */
function cleanLinuxPath(path: string): string {
  const names: string[] = [];
  for (const each of path.split('/')) {
    if (each === '..') names.pop();
    else if (each !== '' && each !== '.') names.push(each);
  }
  return `/${names.join('/')}`;
}

const MAX_READABLE = 40;

/** A readable part, and a hash that keeps similar paths apart (FNV-1a, 32 bit: no secret depends on it). */
function idOf(path: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(path)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  const readable = path
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(-MAX_READABLE)
    .replace(/^-+/, '');
  return `${readable === '' ? 'folder' : readable}-${hash.toString(16).padStart(8, '0')}`;
}

function refused(message: string, remedy: string): Refused {
  return { kind: 'refused', message, remedy };
}
