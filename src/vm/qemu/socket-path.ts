import { MobyvmError } from '../../core/values/index.js';

/**
 * `sun_path` has 108 bytes, including the terminating NUL
 * (https://man7.org/linux/man-pages/man7/unix.7.html).
 */
export const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Returns the path if it fits into a unix socket address.
 * @throws MobyvmError MOBYVM_VM_START; Node and QEMU would otherwise fail with a truncated name or a bare
 * EINVAL
 */
export function checkedSocketPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return path;
  throw new MobyvmError(
    'MOBYVM_VM_START',
    `The socket path ${path} is ${bytes} bytes long; the limit is ${MAX_SOCKET_PATH_BYTES}.`,
    'Use a shorter run directory (MOBYVM_RUN_DIR).',
    { details: { path, bytes } },
  );
}
