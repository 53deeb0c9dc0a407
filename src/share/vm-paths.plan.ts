import { isWithin } from './share-lookup.plan.js';

/** Folders that mean the VM's own files in a bind, with everything below them. */
const OF_THE_VM = [
  '/bin',
  '/boot',
  '/dev',
  '/etc/docker',
  '/etc/mobyvm',
  '/etc/ssl',
  '/lib',
  '/lib32',
  '/lib64',
  '/libx32',
  '/proc',
  '/run',
  '/sbin',
  '/sys',
  '/usr',
  '/var/cache',
  '/var/lib/containerd',
  '/var/lib/docker',
  '/var/log',
  '/var/run',
];

/** Likewise, but not what is below them: users keep files of their own there. */
const ONLY_ITSELF = [
  '/',
  '/etc',
  '/etc/group',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/localtime',
  '/etc/machine-id',
  '/etc/os-release',
  '/etc/passwd',
  '/etc/resolv.conf',
  '/etc/timezone',
  '/tmp',
  '/var',
  '/var/lib',
];

/** Below /usr, and the host's all the same. */
const OF_THE_HOST = ['/usr/local'];

/**
 * Whether a bind of that path means the VM's own file or folder, as `/proc` or `/etc/localtime`, though the host has
 * one of that name as well.
 * @param path absolute, without dot segments
 */
export function isPathOfVm(path: string): boolean {
  if (ONLY_ITSELF.includes(path)) return true;
  if (OF_THE_HOST.some((folder) => isWithin(path, folder))) return false;
  return OF_THE_VM.some((folder) => isWithin(path, folder));
}

/** Whether a folder has something of the VM below it, so that nothing can be mounted over it. */
export function holdsPathOfVm(path: string): boolean {
  return [...OF_THE_VM, ...ONLY_ITSELF].some((each) => isWithin(each, path));
}
