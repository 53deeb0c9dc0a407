import type { LedgerEntry, ManagedResource } from '../../core/host/index.js';
import type { Change } from '../../core/values/index.js';
import { cmdlet } from '../../powershell/index.js';
import {
  compareShares,
  rightFor,
  type AccessEntry,
  type FoundShare,
  type ShareComparison,
  type WantedShare,
} from './shares.plan.js';
import { noEffectError, orShareServerError } from './smb-windows-error.js';
import type { SmbWindowsOptions } from './smb-windows-options.js';

/** Every share of Windows by name, those that are ours with their access lists: one call, or two. */
export async function readShares(
  { powerShell, machineId }: SmbWindowsOptions,
  signal: AbortSignal,
): Promise<readonly FoundShare[]> {
  const query = {
    pipeline: [cmdlet('Get-SmbShare')],
    fields: {
      Name: 'text',
      Path: 'text',
      Description: 'text',
      CachingMode: 'text',
      FolderEnumerationMode: 'text',
    },
  } as const;
  const rows = await orShareServerError('The shares could not be read', () =>
    powerShell.read(query, { signal }),
  );
  const found = rows.map((row) => ({
    name: row.Name ?? '',
    path: row.Path ?? '',
    description: row.Description ?? '',
    cachingMode: row.CachingMode ?? '',
    enumeration: row.FolderEnumerationMode ?? '',
    access: [],
    // By its mark: one that a call made after it was given up is in no ledger.
    isOurs: row.Description === markOf(machineId),
  }));
  const ours = found.filter(({ isOurs }) => isOurs).map(({ name }) => name);
  if (ours.length === 0) return found;
  const access = await readAccess({ powerShell }, ours, signal);
  return found.map((each) => ({ ...each, access: access.get(each.name) ?? [] }));
}

/**
 * Our shares of Windows' file server: one account has access, the VM caches nothing on Windows' advice. Foreign shares
 * are left alone, also those with names that we want.
 * @see https://learn.microsoft.com/powershell/module/smbshare/new-smbshare
 */
export function smbShares(
  options: SmbWindowsOptions,
  wanted: (signal: AbortSignal) => Promise<readonly WantedShare[]>,
): ManagedResource {
  const { powerShell, ledger, logger } = options;
  const compare = async (signal: AbortSignal): Promise<ShareComparison> =>
    compareShares(await readShares(options, signal), await wanted(signal));

  const removeShares = async (names: readonly string[], signal: AbortSignal): Promise<void> => {
    if (names.length === 0) return;
    await orShareServerError(`The shares ${names.join(', ')} were not removed`, () =>
      powerShell.run([cmdlet('Remove-SmbShare', { Name: names, Force: true })], { signal }),
    );
  };
  const removeOurs = async (only: readonly string[] | undefined, signal: AbortSignal): Promise<boolean> => {
    const ours = (await readShares(options, signal)).flatMap(({ name, isOurs }) =>
      isOurs && only?.includes(name) !== false ? [name] : [],
    );
    await removeShares(ours, signal);
    for (const { kind, name } of await ledger.list()) {
      if (kind === KIND && only?.includes(name) !== false) await ledger.delete({ kind, name });
    }
    return ours.length > 0;
  };

  return {
    id: 'share-folders',
    title: 'shares of the file server',
    lifetime: 'machine',
    isRepaired: true,
    plan: async ({ signal }) => planOf(await compare(signal)),
    async ensure({ signal, onFailure }) {
      const found = await compare(signal);
      for (const { name, path } of found.foreign) logger.warn('share.name.taken', { name, path });
      const change = planOf(found);
      if (change.kind === 'none') return 'none';
      const names = found.missing.map(({ name }) => name);
      await removeShares(found.wrong, signal);
      for (const name of found.wrong) if (!names.includes(name)) await ledger.delete({ kind: KIND, name });
      onFailure(async () => {
        await removeOurs(names, new AbortController().signal);
      });
      for (const name of names) await ledger.add({ kind: KIND, name });
      for (const share of found.missing) await createShare(options, share, signal);
      return change.kind;
    },
    remove: async ({ signal }) => ((await removeOurs(undefined, signal)) ? 'remove' : 'none'),
  };
}

async function createShare(
  { powerShell, machineId }: SmbWindowsOptions,
  share: WantedShare,
  signal: AbortSignal,
): Promise<void> {
  const what = `The share ${share.name} for ${share.path} was not created`;
  const access = [share.account];
  const call = cmdlet('New-SmbShare', {
    Name: share.name,
    Path: share.path,
    Description: markOf(machineId),
    CachingMode: 'None',
    FolderEnumerationMode: 'Unrestricted',
    ...(rightFor(share) === 'Read' ? { ReadAccess: access } : { ChangeAccess: access }),
  });
  const query = { pipeline: [call], fields: { Name: 'text' } } as const;
  const rows = await orShareServerError(what, () => powerShell.read(query, { signal }));
  if (!rows.some(({ Name }) => Name === share.name)) throw noEffectError(what);
}

const KIND: LedgerEntry['kind'] = 'smb-share';

function markOf(machineId: string): string {
  return `mobyvm ${machineId}`;
}

function planOf({ missing, wrong }: ShareComparison): Change {
  if (missing.length === 0 && wrong.length === 0) return { kind: 'none' };
  const fields = [...new Set([...missing.map(({ name }) => name), ...wrong])];
  return wrong.length === 0 ? { kind: 'create' } : { kind: 'update', fields };
}

async function readAccess(
  { powerShell }: Pick<SmbWindowsOptions, 'powerShell'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly AccessEntry[]>> {
  const query = {
    pipeline: [cmdlet('Get-SmbShareAccess', { Name: names })],
    fields: { Name: 'text', AccountName: 'text', AccessControlType: 'text', AccessRight: 'text' },
  } as const;
  const rows = await orShareServerError('The access lists of the shares could not be read', () =>
    powerShell.read(query, { signal }),
  );
  const access = new Map<string, AccessEntry[]>();
  for (const row of rows) {
    const entries = access.get(row.Name ?? '') ?? [];
    entries.push({
      account: row.AccountName ?? '',
      isAllowed: row.AccessControlType === 'Allow',
      right: row.AccessRight ?? '',
    });
    access.set(row.Name ?? '', entries);
  }
  return access;
}
