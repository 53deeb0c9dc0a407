import { MobyvmError } from '../core/values/index.js';

/**
 * `sun_path` has 108 bytes, including the terminating NUL: https://man7.org/linux/man-pages/man7/unix.7.html.
 */
const MAX_SOCKET_PATH_BYTES = 107;

/** The longest name of a socket below the run folder. */
const LONGEST_NAME = '/vm/console.sock';

/** Docker parses DOCKER_HOST as a URL, but takes the path as it is: nothing can be escaped. */
const NOT_IN_DOCKER_HOST = /[%\p{Cc}]/u;

/**
 * Unix sockets have short addresses, and Docker's clients refuse some characters. Found out before anything is made.
 * @throws MobyvmError MOBYVM_SETTINGS with the length that fits, or the character
 */
export function refuseUnusableRunFolder(runDir: string): void {
  const character = NOT_IN_DOCKER_HOST.exec(runDir)?.[0];
  if (character !== undefined) {
    throw new MobyvmError(
      'MOBYVM_SETTINGS',
      `Docker clients cannot use the run folder ${JSON.stringify(runDir)}: its path contains ${JSON.stringify(character)}.`,
      'Set MOBYVM_RUN_DIR to a path without percent signs and control characters.',
    );
  }
  const bytes = new TextEncoder().encode(runDir).length;
  const most = MAX_SOCKET_PATH_BYTES - LONGEST_NAME.length;
  if (bytes <= most) return;
  throw new MobyvmError(
    'MOBYVM_SETTINGS',
    `The run folder is too long for the sockets in it: ${runDir} has ${bytes} bytes; ${most} fit.`,
    'Set MOBYVM_RUN_DIR to a shorter path.',
    { details: { path: runDir, bytes } },
  );
}
