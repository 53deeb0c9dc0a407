import koffi from 'koffi';
import { MobyvmError } from '../../../core/values/index.js';
import { FANOTIFY, handleKey, MAX_HANDLE_BYTES } from './fanotify.codec.js';

type Call<Arguments extends readonly unknown[]> = (...args: Arguments) => number;

const libc = koffi.load(null);
const fanotifyInit: Call<[flags: number, eventFlags: number]> = libc.func(
  'int fanotify_init(unsigned int flags, unsigned int event_f_flags)',
);
const fanotifyMark: Call<[fd: number, flags: number, mask: number, at: number, path: string]> = libc.func(
  'int fanotify_mark(int fd, unsigned int flags, uint64_t mask, int dirfd, const char *path)',
);
const nameToHandleAt: Call<[at: number, path: string, handle: Uint8Array, mount: Uint8Array, flags: number]> =
  libc.func(
    'int name_to_handle_at(int dirfd, const char *path, _Out_ uint8_t *handle, _Out_ uint8_t *mount_id, int flags)',
  );
const statFs: Call<[path: string, buffer: Uint8Array]> = libc.func(
  'int statfs(const char *path, _Out_ uint8_t *buf)',
);
const pollFds: Call<[fds: Uint8Array, count: number, timeout: number]> = libc.func(
  'int poll(_Inout_ uint8_t *fds, unsigned long nfds, int timeout)',
);
const eventFd: Call<[initial: number, flags: number]> = libc.func('int eventfd(unsigned int, int)');

const AT_FDCWD = -100;
/** FAN_CLOEXEC, FAN_NONBLOCK, FAN_REPORT_FID, _DIR_FID, _NAME, _TARGET_FID: Linux 5.17. */
const GROUP_FLAGS = 0x1 | 0x2 | 0x200 | 0x400 | 0x800 | 0x1000;
const O_LARGEFILE = 0x8000;
/** FAN_MARK_ADD, FAN_MARK_FILESYSTEM. */
const MARK_FLAGS = 0x1 | 0x100;
const MASK =
  FANOTIFY.create |
  FANOTIFY.delete |
  FANOTIFY.modify |
  FANOTIFY.attributes |
  FANOTIFY.closeWrite |
  FANOTIFY.rename |
  FANOTIFY.isFolder;
/** AT_HANDLE_FID of Linux 6.5: for file systems whose handles cannot be opened. */
const AT_HANDLE_FID = 0x200;
const EFD_CLOEXEC_NONBLOCK = 0o2000000 | 0o4000;
const POLLIN = 1;
const EINTR = 4;
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  12: 'ENOMEM',
  13: 'EACCES',
  18: 'EXDEV',
  19: 'ENODEV',
  20: 'ENOTDIR',
  22: 'EINVAL',
  24: 'EMFILE',
  28: 'ENOSPC',
  38: 'ENOSYS',
  95: 'EOPNOTSUPP',
};

/** A descriptor that makes a `poll` return when something is written to it. */
export function createWakeDescriptor(): number {
  return checked('eventfd', eventFd(0, EFD_CLOEXEC_NONBLOCK));
}

/** @throws MobyvmError MOBYVM_SHARE with the system's reason */
export function createGroup(): number {
  return checked('fanotify_init', fanotifyInit(GROUP_FLAGS, O_LARGEFILE));
}

/** All of the path's file system, as only such marks have no limit and no gap below new folders. */
export function markFileSystem(group: number, path: string): void {
  checked('fanotify_mark', fanotifyMark(group, MARK_FLAGS, MASK, AT_FDCWD, path));
}

/** The file system's id, as it is in events. */
export function fileSystemId(path: string): Uint8Array {
  const buffer = new Uint8Array(256);
  checked('statfs', statFs(path, buffer));
  // struct statfs: seven words of 64 bits come before f_fsid.
  return buffer.slice(56, 64);
}

/** The key of a folder, as `decodeFanotifyEvents` has it. @throws MobyvmError */
export function folderKey(path: string, fsid: Uint8Array): string {
  const buffer = new Uint8Array(8 + MAX_HANDLE_BYTES);
  const view = new DataView(buffer.buffer);
  const mountId = new Uint8Array(8);
  view.setUint32(0, MAX_HANDLE_BYTES, true);
  let result = nameToHandleAt(AT_FDCWD, path, buffer, mountId, 0);
  if (result < 0 && errorName(koffi.errno()) === 'EOPNOTSUPP') {
    view.setUint32(0, MAX_HANDLE_BYTES, true);
    result = nameToHandleAt(AT_FDCWD, path, buffer, mountId, AT_HANDLE_FID);
  }
  checked('name_to_handle_at', result);
  return handleKey(fsid, view.getInt32(4, true), buffer.subarray(8, 8 + view.getUint32(0, true)));
}

/** Blocks until one of the descriptors can be read. @returns whether each can */
export function waitUntilReadable(descriptors: readonly number[]): readonly boolean[] {
  const buffer = new Uint8Array(descriptors.length * 8);
  const view = new DataView(buffer.buffer);
  for (;;) {
    descriptors.forEach((fd, index) => {
      view.setInt32(index * 8, fd, true);
      view.setInt16(index * 8 + 4, POLLIN, true);
      view.setInt16(index * 8 + 6, 0, true);
    });
    const result = pollFds(buffer, descriptors.length, -1);
    if (result < 0 && koffi.errno() === EINTR) continue;
    checked('poll', result);
    return descriptors.map((_, index) => view.getInt16(index * 8 + 6, true) !== 0);
  }
}

function checked(call: string, result: number): number {
  if (result >= 0) return result;
  const name = errorName(koffi.errno());
  throw new MobyvmError('MOBYVM_SHARE', `${call} failed: ${name}`, remedyOf(name), {
    details: { errno: name },
  });
}

function errorName(errno: number): string {
  return ERRNO_NAMES[errno] ?? `errno ${errno}`;
}

function remedyOf(name: string): string {
  switch (name) {
    case 'EINVAL':
    case 'ENOSYS':
      return 'File events need Linux 5.17 or newer on the host.';
    case 'EXDEV':
    case 'ENODEV':
    case 'EOPNOTSUPP':
      return 'Move the folder to a file system that the kernel can watch, such as ext4, XFS, or btrfs outside of a subvolume.';
    case 'EMFILE':
      return 'Raise fs.fanotify.max_user_groups with sysctl.';
    case 'EPERM':
      return 'Run mobyvm as root, with CAP_SYS_ADMIN.';
    default:
      return 'Check that the folder exists and can be read.';
  }
}
