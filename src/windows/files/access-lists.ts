import { win32 } from 'node:path';
import type { FileProtection, FolderUse, SecretSeal } from '../../core/host/index.js';
import { accessOfOthers, folderSecurity, isTrusted, PRIVATE_FILE } from '../security.plan.js';
import {
  explained,
  foreignOwnerError,
  linkError,
  missingError,
  notFolderError,
  notProtectedError,
} from './protection-errors.js';
import type { OpenItem, ProtectedItems } from './protected-items.js';

type Readers = Parameters<typeof folderSecurity>[0];

/**
 * Access lists. A folder is created with its list, which the files in it inherit, so it is never open to others; what
 * Windows has kept is read back. A folder that exists already has to belong to the system, its administrators or the
 * user we run as, and so do those above it: an owner can always let others in, or put another folder there. Links are
 * not followed.
 */
export function accessLists(items: () => Promise<ProtectedItems>, seal: SecretSeal): FileProtection {
  return {
    seal,
    async folder(path, use) {
      const system = await items();
      const whole = win32.normalize(path);
      for (const above of foldersAbove(whole)) explained(above, () => ensureAbove(system, above));
      explained(whole, () => ensureFolder(system, whole, use));
    },
    async file(path) {
      const system = await items();
      explained(path, () => ensureFile(system, path));
    },
  };
}

/** From the top, without the drive itself. */
function foldersAbove(path: string): readonly string[] {
  const above = win32.dirname(path);
  return win32.dirname(above) === above ? [] : [...foldersAbove(above), above];
}

/** What is missing is made so that users may enter it: mobyvm's folder in ProgramData has nothing secret in it. */
function ensureAbove(items: ProtectedItems, path: string): void {
  const found = items.open(path, 'look');
  if (found === undefined && items.createFolder(path, folderSecurity('users'))) return;
  using item = found ?? opened(items, path, 'look');
  if (item.kind === 'file') throw notFolderError(path);
  // A link of the system or an administrator is meant: drives are mounted in folders, and profiles are moved.
  checkOwner(items, path, item);
}

function ensureFolder(items: ProtectedItems, path: string, use: FolderUse): void {
  const readers: Readers = use === 'run' ? 'users' : 'none';
  const isNew = items.createFolder(path, folderSecurity(readers));
  using folder = opened(items, path, 'look');
  if (folder.kind !== 'folder') throw folder.kind === 'link' ? linkError(path) : notFolderError(path);
  if (isNew) {
    if (!admitsOnly(items, folder, readers)) throw notProtectedError(path);
    return;
  }
  checkOwner(items, path, folder);
  // The others may be shared with other programs.
  if (use === 'private' || use === 'state') restrictFolder(items, path, folder);
}

/** Files have the access of their folder, so `state` is restricted as well. */
function restrictFolder(items: ProtectedItems, path: string, folder: OpenItem): void {
  if (admitsOnly(items, folder, 'none')) return;
  if (accessOfOthers(folder.security(), items.ownSid) === 'more') checkOwnersBelow(items, path);
  using item = opened(items, path, 'change');
  // Another one may have taken its place.
  if (item.kind !== 'folder') throw linkError(path);
  checkOwner(items, path, item);
  item.protect(folderSecurity('none', item.security()));
  if (!admitsOnly(items, item, 'none')) throw notProtectedError(path);
}

/** Users could create files in it: they can read what is written to one of these, whatever their folder allows. */
function checkOwnersBelow(items: ProtectedItems, path: string): void {
  for (const name of items.list(path)) {
    const below = win32.join(path, name);
    using item = items.open(below, 'look');
    if (item === undefined) continue;
    checkOwner(items, below, item);
    if (item.kind === 'folder') checkOwnersBelow(items, below);
  }
}

function ensureFile(items: ProtectedItems, path: string): void {
  {
    using file = opened(items, path, 'look');
    if (file.kind === 'link') throw linkError(path);
    const isOurs = isTrusted(file.security().owner, items.ownSid);
    if (isOurs && admitsOnly(items, file, 'none')) return;
  }
  using file = opened(items, path, 'change');
  if (file.kind === 'link') throw linkError(path);
  const isOurs = isTrusted(file.security().owner, items.ownSid);
  file.protect(isOurs ? PRIVATE_FILE : `O:BA${PRIVATE_FILE}`);
  if (!admitsOnly(items, file, 'none')) throw notProtectedError(path);
}

function opened(items: ProtectedItems, path: string, access: 'look' | 'change'): OpenItem {
  const item = items.open(path, access);
  if (item === undefined) throw missingError(path);
  return item;
}

function checkOwner(items: ProtectedItems, path: string, item: OpenItem): void {
  const { owner } = item.security();
  if (!isTrusted(owner, items.ownSid)) throw foreignOwnerError(path, owner);
}

function admitsOnly({ ownSid }: ProtectedItems, item: OpenItem, readers: Readers): boolean {
  const access = accessOfOthers(item.security(), ownSid);
  return access === 'none' || (readers === 'users' && access === 'read');
}
