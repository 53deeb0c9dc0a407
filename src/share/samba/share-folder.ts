import { stat } from 'node:fs/promises';
import { run, sleep } from '../../core/host/index.js';
import { errnoOf, isAbort, textOf } from '../../core/values/index.js';
import type { FileServerProblem } from '../file-server.js';
import { changeAccountCommands } from '../share-command.plan.js';
import type { Share } from '../share.js';
import { findAccount, type HostAccount } from './host-accounts.js';
import { isPlainUserName } from './smb-conf.plan.js';

/** What a share's folder is now. */
export interface FolderFacts {
  /** Changes when another folder, or another file system, takes its place. */
  readonly identity: string;
  /** Whose files the VM creates there. */
  readonly owner: HostAccount;
}

export type FolderFound = { readonly facts: FolderFacts } | { readonly problem: FileServerProblem };

/** A file system whose server is gone may never answer. */
const LOOK_MS = 2_000;

/** Looks that a dead file system has not answered yet; a path is not asked again meanwhile. */
const pending = new Map<string, Promise<LookedAt>>();

interface LookedAt {
  readonly isFolder: boolean;
  readonly uid: number;
  readonly identity: string;
}

/** What a share's folder is, or what keeps it from being served. */
export async function lookAtFolder(share: Share, signal: AbortSignal): Promise<FolderFound> {
  const path = share.hostPath;
  let looked: LookedAt;
  try {
    looked = await look(path, signal);
  } catch (error) {
    if (isAbort(error) && signal.aborted) throw error;
    return { problem: absent(path, error) };
  }
  if (!looked.isFolder) {
    return {
      problem: refused(`${path} is not a folder`, 'Share the folder that it is in.'),
    };
  }
  const owner = await findAccount(looked.uid, signal);
  if (owner !== undefined && isPlainUserName(owner.name)) {
    return { facts: { identity: looked.identity, owner } };
  }
  const who =
    owner === undefined ? `the user id ${looked.uid}, which has no account here` : `"${owner.name}"`;
  return {
    problem: refused(
      `${path} belongs to ${who}, so that mobyvm cannot create files in its owner's name`,
      `Give the folder to a local account (chown), or share it as one: ${changeAccountCommands(share, 'NAME')}`,
    ),
  };
}

/** Whether the account can list the folder and enter it, its parents and access lists considered. */
export async function mayRead(path: string, account: HostAccount, signal: AbortSignal): Promise<boolean> {
  if (account.uid === 0) return true;
  const as = ['--reuid', String(account.uid), '--regid', String(account.gid), '--init-groups'];
  const { exitCode } = await run('setpriv', [...as, '--', 'test', '-r', path, '-a', '-x', path], {
    signal,
    timeoutMs: 10_000,
    acceptExitCodes: [0, 1],
  });
  return exitCode === 0;
}

export function notReadable(path: string, account: HostAccount): FileServerProblem {
  return refused(
    `the account "${account.name}" may not read ${path}`,
    `Let it in (chmod, setfacl), the folders above included.`,
  );
}

async function look(path: string, signal: AbortSignal): Promise<LookedAt> {
  const asked = pending.get(path) ?? statFolder(path);
  pending.set(path, asked);
  const forget = (): void => void pending.delete(path);
  asked.then(forget, forget);
  const late = new AbortController();
  try {
    const answer = await Promise.race([
      asked,
      sleep(LOOK_MS, AbortSignal.any([signal, late.signal])).then(() => undefined),
    ]);
    if (answer === undefined)
      throw new DOMException(`it does not answer within ${LOOK_MS / 1000} s`, 'TimeoutError');
    return answer;
  } finally {
    late.abort();
  }
}

async function statFolder(path: string): Promise<LookedAt> {
  const stats = await stat(path);
  return {
    isFolder: stats.isDirectory(),
    uid: stats.uid,
    identity: `${stats.dev}:${stats.ino}`,
  };
}

function absent(path: string, error: unknown): FileServerProblem {
  const errno = errnoOf(error);
  if (errno === 'ENOENT' || errno === 'ENOTDIR') {
    return {
      state: 'unreachable',
      reason: `the folder ${path} does not exist`,
      remedy: 'Create it, or mount the disk that it is on.',
    };
  }
  return {
    state: 'unreachable',
    reason: `the folder ${path} cannot be read: ${textOf(error)}`,
    remedy: 'Check the disk or the server that it is on.',
  };
}

function refused(reason: string, remedy: string): FileServerProblem {
  return { state: 'refused', reason, remedy };
}
