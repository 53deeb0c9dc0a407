import { passwordFile, smbConf, userMapFile } from './smb-conf.plan.js';
import type { SambaPaths, ServedShare } from './smb-conf.plan.js';
import type { CredentialStore } from '../credential-store.js';
import type { FileServerPlace, FileServerProblem } from '../file-server.js';
import { PRIVATE_ACCOUNT } from '../private-account.js';
import type { Share } from '../share.js';
import { isDrive, wireName } from '../wire-name.plan.js';
import { accountOf, type SambaAccount } from './samba-account.js';
import type { ServerWanted } from './samba-server.js';
import { lookAtFolder, type FolderFacts } from './share-folder.js';

/** A share with what it needs on the host. */
export interface Servable {
  readonly share: Share;
  readonly folder: FolderFacts;
  readonly account: SambaAccount;
}

/** What was found for a share on the host. */
export interface LookedUp {
  /** Known even if the folder is missing: whoever logs in then learns that, and not that the password is wrong. */
  readonly account: SambaAccount | undefined;
  readonly result: { readonly servable: Servable } | { readonly problem: FileServerProblem };
}

export async function lookUp(
  share: Share,
  credentials: CredentialStore,
  signal: AbortSignal,
): Promise<LookedUp> {
  const [folder, found] = await Promise.all([
    lookAtFolder(share, signal),
    accountOf(share, credentials, signal),
  ]);
  const account = 'account' in found ? found.account : undefined;
  if ('problem' in folder) return { account, result: folder };
  if ('problem' in found) return { account, result: found };
  return { account, result: { servable: { share, folder: folder.facts, account: found.account } } };
}

/** Whose rights the VM has on the share: the account's own, or those of the folder's owner. */
export function rightsOf({ share, folder, account }: Servable): SambaAccount['unix'] {
  return share.account.kind === 'private' ? folder.owner : account.unix;
}

/** What the server is to be told. A share that cannot be served now is left out, so that clients of it fail at once. */
export function serverWanted(
  { hostAddress, vmAddress }: FileServerPlace,
  found: readonly LookedUp[],
  { paths, mapsNames }: { readonly paths: SambaPaths; readonly mapsNames: boolean },
): ServerWanted {
  const sorted = found
    .flatMap(({ result }) => ('servable' in result ? [result.servable] : []))
    .sort((a, b) => (wireName(a.share.id) < wireName(b.share.id) ? -1 : 1));
  const accounts = new Map(
    found.flatMap(({ account }) => (account === undefined ? [] : [[account.unix.name, account] as const])),
  );
  const passwords = passwordFile(
    [...accounts.values()].map(({ unix, password }) => ({ user: unix.name, uid: unix.uid, password })),
  );
  const shares = sorted.map(servedShare);
  return {
    address: hostAddress,
    folders: new Map(sorted.map(({ share, folder }) => [wireName(share.id), folder.identity])),
    filesFor: (port) => ({
      config: smbConf({ address: hostAddress, port, vmAddress, paths, mapsNames, shares }),
      passwords,
      userMap: userMapFile(PRIVATE_ACCOUNT),
      links: Object.fromEntries(sorted.map(({ share }) => [wireName(share.id), share.hostPath])),
    }),
  };
}

function servedShare(servable: Servable): ServedShare {
  const { share, account } = servable;
  return {
    name: wireName(share.id),
    isReadOnly: share.isReadOnly,
    isCaseSensitive: !isDrive(share.id),
    validUser: account.unix.name,
    forceUser: share.account.kind === 'private' ? rightsOf(servable).name : undefined,
  };
}
