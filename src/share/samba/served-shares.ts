import { isDrive, passwordFile, smbConf, userMapFile, wireName } from './smb-conf.plan.js';
import type { SambaPaths, ServedShare } from './smb-conf.plan.js';
import type { CredentialStore } from '../credential-store.js';
import type { FileServerPlace, FileServerProblem } from '../file-server.js';
import { PRIVATE_ACCOUNT } from '../private-account.js';
import type { Share } from '../share.js';
import { accountOf, type SambaAccount } from './samba-account.js';
import type { ServerWanted } from './samba-server.js';
import { lookAtFolder, type FolderFacts } from './share-folder.js';

/** A share with what it needs on the host. */
export interface Servable {
  readonly share: Share;
  readonly folder: FolderFacts;
  readonly account: SambaAccount;
}

/** What a share needs on the host, or what is missing. */
export async function servable(
  share: Share,
  credentials: CredentialStore,
  signal: AbortSignal,
): Promise<Servable | FileServerProblem> {
  const [folder, account] = await Promise.all([
    lookAtFolder(share.hostPath, signal),
    accountOf(share, credentials, signal),
  ]);
  if ('problem' in account) return account.problem;
  if ('problem' in folder) return folder.problem;
  return { share, folder: folder.facts, account: account.account };
}

/** Whose rights the VM has on the share: the account's own, or those of the folder's owner. */
export function rightsOf({ share, folder, account }: Servable): SambaAccount['unix'] {
  return share.account.kind === 'private' ? folder.owner : account.unix;
}

/** What the server is to be told. A share that cannot be served now is left out, so that clients of it fail at once. */
export function serverWanted(
  { hostAddress, vmAddress }: FileServerPlace,
  servables: readonly Servable[],
  paths: SambaPaths,
): ServerWanted {
  const sorted = [...servables].sort((a, b) => (wireName(a.share.id) < wireName(b.share.id) ? -1 : 1));
  const accounts = new Map(sorted.map(({ account }) => [account.unix.name, account]));
  const passwords = passwordFile(
    [...accounts.values()].map(({ unix, password }) => ({ user: unix.name, uid: unix.uid, password })),
  );
  const shares = sorted.map(servedShare);
  return {
    address: hostAddress,
    folders: new Map(sorted.map(({ share, folder }) => [wireName(share.id), folder.identity])),
    filesFor: (port) => ({
      config: smbConf({ address: hostAddress, port, vmAddress, paths, shares }),
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
