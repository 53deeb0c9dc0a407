import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Handlers } from '../hyperv-host/bound.js';
import { alreadyExists, notFound } from '../hyperv-host/host-failure.js';

const infoSchema = z.object({ 'virtual-size': z.number() });

/** Virtual disks that QEMU can use: qcow2, whatever the file is called. */
export const diskFiles: Handlers = {
  'New-VHD': (bound) => {
    const [path, bytes] = [bound.text('Path'), bound.number('SizeBytes')];
    if (existsSync(path)) throw alreadyExists(path);
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', path, String(bytes)]);
    return [{ Path: path, Size: bytes }];
  },
  'Get-VHD': (bound) => {
    const path = bound.text('Path');
    const [Size, FileSize] = [diskBytes(path), statSync(path).size];
    return [{ Path: path, Size, FileSize, VhdType: 'Dynamic', Attached: false }];
  },
  'Resize-VHD': (bound) => {
    const path = bound.text('Path');
    execFileSync('qemu-img', ['resize', '-q', '-f', 'qcow2', path, String(bound.number('SizeBytes'))]);
    return [];
  },
};

/** As the guest sees it, in bytes. */
export function diskBytes(path: string): number {
  if (!existsSync(path)) throw notFound(path);
  const args = ['info', '-U', '-f', 'qcow2', '--output=json', path];
  const info: unknown = JSON.parse(execFileSync('qemu-img', args, { encoding: 'utf8' }));
  return infoSchema.parse(info)['virtual-size'];
}
