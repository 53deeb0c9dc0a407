import { MobyvmError } from '../../core/values/index.js';

/** `sun_path` of unix(7) has 108 bytes, one of them for the final NUL. */
export const MAX_SOCKET_PATH_BYTES = 107;

/**
 * The path itself, when a unix socket can have it.
 * @throws MobyvmError MOBYVM_VM_START: Node and QEMU would otherwise fail with a truncated name or a bare EINVAL.
 */
export function checkedSocketPath(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return path;
  throw new MobyvmError(
    'MOBYVM_VM_START',
    `The socket path ${path} has ${bytes} bytes; a unix socket's may have ${MAX_SOCKET_PATH_BYTES}.`,
    'Choose a shorter run directory (MOBYVM_RUN_DIR).',
    { details: { path, bytes } },
  );
}
