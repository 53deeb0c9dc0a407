import { MAX_FILE_ID, MobyvmError, OCTAL_MODE } from '../core/values/index.js';
import type { ShareAddRequest } from '../protocol/share-messages.js';

/** Names of namespaces are file names below /run/netns and part of a command line: only plain ones are accepted. */
export function validNamespace(name: string | undefined): string | undefined {
  if (name === undefined || /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return name;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    `"${name}" is not a valid name for a network namespace.`,
    'Use up to 64 letters, digits, dots, dashes and underscores, with a letter or digit first.',
  );
}

/** @throws MobyvmError MOBYVM_USAGE */
export function validLines({ lines, follow }: { readonly lines: number; readonly follow: boolean }): {
  readonly lines: number;
  readonly follow: boolean;
} {
  if (Number.isInteger(lines) && lines >= 0) return { lines, follow };
  throw new MobyvmError(
    'MOBYVM_USAGE',
    '--lines must be a whole number, 0 or more.',
    'For example: --lines 100',
  );
}

/** In seconds. @throws MobyvmError MOBYVM_USAGE */
export function validInterval(seconds: number): number {
  if (seconds >= 1 && seconds <= 3_600) return seconds;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    '--interval must be a number of seconds from 1 to 3600.',
    'The daemon counts once a second. For example: --interval 5',
  );
}

interface OwnerOptions {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  readonly fileMode: string | undefined;
  readonly directoryMode: string | undefined;
}

/** @returns undefined without any of them. @throws MobyvmError MOBYVM_USAGE */
export function validOwner({ uid, gid, fileMode, directoryMode }: OwnerOptions): ShareAddRequest['owner'] {
  checkId('--uid', uid);
  checkId('--gid', gid);
  checkMode('--file-mode', fileMode);
  checkMode('--dir-mode', directoryMode);
  const owner = {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(fileMode === undefined ? {} : { fileMode }),
    ...(directoryMode === undefined ? {} : { directoryMode }),
  };
  return Object.keys(owner).length === 0 ? undefined : owner;
}

function checkId(option: string, id: number | undefined): void {
  if (id === undefined || (Number.isInteger(id) && id >= 0 && id <= MAX_FILE_ID)) return;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    `${option} must be a whole number from 0 to ${MAX_FILE_ID}.`,
    `Names of users are not known in containers. For example: ${option} 1000`,
  );
}

function checkMode(option: string, mode: string | undefined): void {
  if (mode === undefined || OCTAL_MODE.test(mode)) return;
  throw new MobyvmError(
    'MOBYVM_USAGE',
    `${option} must be three octal digits.`,
    `For example: ${option} 0755`,
  );
}
