import { stat } from 'node:fs/promises';
import { errnoOf } from '../../core/values/index.js';
import { privatePassword } from '../credentials/private-password.js';
import type { FileServer, FileServerProblem } from '../file-server.js';
import { PRIVATE_ACCOUNT } from '../private-account.js';
import type { Share } from '../share.js';
import { changeAccountCommands, shareCommand } from '../share-command.plan.js';
import { credentialsError } from '../share-errors.js';
import { wireName } from '../wire-name.plan.js';
import { accountProblem, parseAccountName } from './account-name.plan.js';
import { smbFirewallRule } from './firewall-rule.js';
import { localAccount, readLocalAccount } from './local-account.js';
import { readServerService, serverService } from './server-service.js';
import { compareShares, type WantedShare } from './shares.plan.js';
import { readShares, smbShares } from './smb-shares.js';
import type { FolderState, SmbWindowsOptions } from './smb-windows-options.js';

const SMB_PORT = 445;

/** Offers folders of a Windows host with the system's own file server. */
export function smbWindowsFileServer(options: SmbWindowsOptions): FileServer {
  const { powerShell, credentials, folderState = stateOfFolder } = options;
  return {
    resources: (place, shares) => {
      const isNeeded = shares.length > 0;
      const isPrivate = shares.some(({ account }) => account.kind === 'private');
      // Windows shares no folder that does not exist; such a share is reported by problemOf.
      const present = async (): Promise<readonly WantedShare[]> => {
        const states = await Promise.all(shares.map(({ hostPath }) => folderState(hostPath)));
        return shares.filter((_, index) => states[index] === 'folder').map(wantedShare);
      };
      return [
        privatePassword(credentials, isPrivate),
        localAccount(options, isPrivate),
        serverService(powerShell, isNeeded),
        smbShares(options, present),
        smbFirewallRule(options, place, isNeeded),
      ];
    },
    unc: ({ hostAddress }, { id }) => `//${hostAddress}/${wireName(id)}`,
    port: () => Promise.resolve(SMB_PORT),
    login: async (share) => {
      const account = accountOf(share);
      const password = await credentials.read(account);
      if (password === undefined) {
        throw credentialsError(share.id, `The password of "${account}" is not known.`);
      }
      return { ...parseAccountName(account), password };
    },
    problemOf: async (_, share, signal) =>
      folderProblem(share.hostPath, await folderState(share.hostPath)) ??
      (await loginProblem(options, share, signal)) ??
      (await serviceProblem(options, signal)) ??
      (await shareProblem(options, share, signal)),
    close: () => Promise.resolve(),
  };
}

function accountOf({ account }: Share): string {
  return account.kind === 'private' ? PRIVATE_ACCOUNT : account.user;
}

function wantedShare(share: Share): WantedShare {
  const { id, hostPath, isReadOnly } = share;
  return { name: wireName(id), path: hostPath, isReadOnly, account: accountOf(share) };
}

function folderProblem(path: string, state: FolderState): FileServerProblem | undefined {
  switch (state) {
    case 'folder':
      return undefined;
    case 'missing':
      return {
        state: 'unreachable',
        reason: `the folder ${path} does not exist`,
        remedy: 'Create it, or connect the drive that it is on.',
      };
    case 'not a folder':
      return {
        state: 'refused',
        reason: `${path} is not a folder`,
        remedy: 'Share the folder that it is in.',
      };
    case 'unreadable':
      return {
        state: 'unreachable',
        reason: `the folder ${path} cannot be read`,
        remedy: 'Check the drive: it may be locked by BitLocker, or not ready.',
      };
  }
}

async function loginProblem(
  { powerShell, credentials }: SmbWindowsOptions,
  share: Share,
  signal: AbortSignal,
): Promise<FileServerProblem | undefined> {
  const account = accountOf(share);
  const { user, domain } = parseAccountName(account);
  const local = domain === '' ? await readLocalAccount(powerShell, user, signal) : undefined;
  const problem = accountProblem(account, local);
  if (problem !== undefined) {
    return share.account.kind === 'private'
      ? { state: 'unreachable', reason: problem, remedy: 'Run `mobyvm up`, which repairs it.' }
      : {
          state: 'refused',
          reason: problem,
          remedy: `Share it without --user, so that mobyvm uses its own account: ${changeAccountCommands(share, undefined)}`,
        };
  }
  if ((await credentials.read(account)) !== undefined) return undefined;
  return {
    state: 'needs-credentials',
    reason: `the password of "${account}" is not known`,
    remedy:
      share.account.kind === 'private'
        ? 'Run `mobyvm up`, which creates it.'
        : `Enter it: ${shareCommand('set-credentials', share.id)}`,
  };
}

async function serviceProblem(
  { powerShell }: SmbWindowsOptions,
  signal: AbortSignal,
): Promise<FileServerProblem | undefined> {
  if ((await readServerService(powerShell, signal))?.isRunning === true) return undefined;
  return {
    state: 'unreachable',
    reason: 'Windows\' file server, the service "Server" (LanmanServer), is not running',
    remedy: 'Run `mobyvm up`, or start it: Start-Service LanmanServer',
  };
}

async function shareProblem(
  options: SmbWindowsOptions,
  share: Share,
  signal: AbortSignal,
): Promise<FileServerProblem | undefined> {
  const { missing, foreign } = compareShares(await readShares(options, signal), [wantedShare(share)]);
  const [other] = foreign;
  if (other !== undefined) {
    return {
      state: 'refused',
      reason: `Windows already has a share named ${other.name}, of ${other.path}, that mobyvm did not create`,
      remedy: `If nothing needs it, remove it: Remove-SmbShare -Name ${other.name}`,
    };
  }
  if (missing.length === 0) return undefined;
  return {
    state: 'unreachable',
    reason: `Windows' file server does not offer ${share.hostPath} to the VM as it should`,
    remedy: 'Run `mobyvm up`, which repairs it.',
  };
}

async function stateOfFolder(path: string): Promise<FolderState> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'not a folder';
  } catch (error) {
    return ['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '') ? 'missing' : 'unreadable';
  }
}
