import { MobyvmError } from '../core/values/index.js';

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
