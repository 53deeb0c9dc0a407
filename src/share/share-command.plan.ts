import { shellWord } from '../core/values/index.js';

/** What `mobyvm share add` is to be given: a request, or a share that exists. */
export interface AddedAgain {
  readonly name: string;
  /** The folder of a letter on Linux; undefined where the name says all. */
  readonly path: string | undefined;
  readonly isReadOnly: boolean;
  /** `NAME` stands for any; undefined for mobyvm's own account. */
  readonly user: string | undefined;
}

/** The complete command, so that nothing of what was asked for is lost. */
export function addCommand({ name, path, isReadOnly, user }: AddedAgain): string {
  return [
    `mobyvm share add ${shellWord(name)}`,
    ...(path === undefined ? [] : [`--path ${shellWord(path)}`]),
    ...(isReadOnly ? ['--read-only'] : []),
    ...(user === undefined ? [] : [`--user ${shellWord(user)}`]),
  ].join(' ');
}

/** @param name of a share that exists */
export function shareCommand(verb: 'remove' | 'check' | 'set-credentials', name: string): string {
  return `mobyvm share ${verb} ${shellWord(name)}`;
}

/** The two commands with which a share gets another account. @param user undefined for mobyvm's own account */
export function changeAccountCommands(
  {
    name,
    hostPath,
    isReadOnly,
  }: { readonly name: string; readonly hostPath: string; readonly isReadOnly: boolean },
  user: string | undefined,
): string {
  // On Windows, and for a folder that has the same path in the VM, the name is the folder.
  const path = /^[A-Za-z]$/.test(name) && hostPath.startsWith('/') ? hostPath : undefined;
  return `${shareCommand('remove', name)}, then ${addCommand({ name, path, isReadOnly, user })}`;
}
