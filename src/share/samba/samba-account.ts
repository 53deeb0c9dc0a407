import type { CredentialStore } from '../credential-store.js';
import type { FileServerProblem } from '../file-server.js';
import { PRIVATE_ACCOUNT } from '../private-account.js';
import { changeAccountCommands, shareCommand } from '../share-command.plan.js';
import type { Share } from '../share.js';
import { findAccount, type HostAccount } from './host-accounts.js';
import { isPlainUserName, UNIX_ACCOUNT } from './smb-conf.plan.js';

/** Who logs in for a share, and what smbd needs for that. */
export interface SambaAccount {
  /** The name that the VM gives, and that of the password in the credential store. */
  readonly login: string;
  /** The account of the host behind it. */
  readonly unix: HostAccount;
  readonly password: string;
}

export type AccountFound = { readonly account: SambaAccount } | { readonly problem: FileServerProblem };

/** The account of a share, or why nobody can log in for it. */
export async function accountOf(
  share: Share,
  credentials: CredentialStore,
  signal: AbortSignal,
): Promise<AccountFound> {
  const { account } = share;
  const login = loginOf(share);
  const unixName = account.kind === 'private' ? UNIX_ACCOUNT : account.user;
  if (account.kind === 'user' && (!isPlainUserName(unixName) || login === PRIVATE_ACCOUNT)) {
    return { problem: refused(`"${unixName}" cannot be the account of a share on Linux`, share) };
  }
  const unix = await findAccount(unixName, signal);
  if (unix === undefined) return { problem: refused(`this host has no account "${unixName}"`, share) };
  const password = await credentials.read(login);
  if (password !== undefined) return { account: { login, unix, password } };
  return {
    problem: {
      state: 'needs-credentials',
      reason: `the password of "${login}" is not known`,
      remedy:
        account.kind === 'private'
          ? 'Run `mobyvm up`, which creates it.'
          : `Enter one: ${shareCommand('set-credentials', share.id)}`,
    },
  };
}

export function loginOf({ account }: Share): string {
  return account.kind === 'private' ? PRIVATE_ACCOUNT : account.user;
}

function refused(reason: string, share: Share): FileServerProblem {
  return {
    state: 'refused',
    reason,
    remedy: `Share it without --user, or with a local account of this host: ${changeAccountCommands(share, undefined)}`,
  };
}
