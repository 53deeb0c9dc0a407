import { formatOctalMode, shellWord } from '../core/values/index.js';
import type { OwnerChoice, Share } from './share.js';

/** What `mobyvm share add` is to be given: a request, or a share that exists. */
export interface AddedAgain {
  readonly name: string;
  /** The folder of a letter on Linux; undefined where the name says all. */
  readonly path: string | undefined;
  readonly isReadOnly: boolean;
  /** `NAME` stands for any; undefined for mobyvm's own account. */
  readonly user: string | undefined;
  readonly owner?: OwnerChoice | undefined;
}

/** The complete command, so that nothing of what was asked for is lost. */
export function addCommand({ name, path, isReadOnly, user, owner }: AddedAgain): string {
  return [
    `mobyvm share add ${shellWord(name)}`,
    ...(path === undefined ? [] : [`--path ${shellWord(path)}`]),
    ...(isReadOnly ? ['--read-only'] : []),
    ...(user === undefined ? [] : [`--user ${shellWord(user)}`]),
    ...ownerOptions(owner ?? {}),
  ].join(' ');
}

function ownerOptions({ uid, gid, fileMode, directoryMode }: OwnerChoice): readonly string[] {
  return [
    ...(uid === undefined ? [] : [`--uid ${uid}`]),
    ...(gid === undefined ? [] : [`--gid ${gid}`]),
    ...(fileMode === undefined ? [] : [`--file-mode ${formatOctalMode(fileMode)}`]),
    ...(directoryMode === undefined ? [] : [`--dir-mode ${formatOctalMode(directoryMode)}`]),
  ];
}

/** @param name of a share that exists */
export function shareCommand(verb: 'remove' | 'check' | 'set-credentials', name: string): string {
  return `mobyvm share ${verb} ${shellWord(name)}`;
}

type ChangedShare = Pick<Share, 'name' | 'hostPath' | 'isReadOnly' | 'chosenOwner'>;

/** The two commands with which a share gets another account. @param user undefined for mobyvm's own account */
export function changeAccountCommands(
  { name, hostPath, isReadOnly, chosenOwner }: ChangedShare,
  user: string | undefined,
): string {
  // On Windows, and for a folder that has the same path in the VM, the name is the folder.
  const path = /^[A-Za-z]$/.test(name) && hostPath.startsWith('/') ? hostPath : undefined;
  return `${shareCommand('remove', name)}, then ${addCommand({ name, path, isReadOnly, user, owner: chosenOwner })}`;
}
