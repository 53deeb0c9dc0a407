import type { ErrorCode } from '../core/values/index.js';

export const EXIT_OK = 0;
/** A failure that the user can fix. */
export const EXIT_FAILED = 1;
/** Wrong usage. */
export const EXIT_USAGE = 2;
/** A bug in mobyvm. */
export const EXIT_BUG = 3;
/** Ctrl-C: 128 plus the number of SIGINT, as shells count. */
export const EXIT_INTERRUPTED = 130;

export function exitCodeOf(code: ErrorCode): number {
  switch (code) {
    case 'MOBYVM_BUG':
    case 'MOBYVM_CODEC':
      return EXIT_BUG;
    case 'MOBYVM_USAGE':
      return EXIT_USAGE;
    case 'MOBYVM_ABORTED':
      return EXIT_INTERRUPTED;
    default:
      return EXIT_FAILED;
  }
}
