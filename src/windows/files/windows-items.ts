import { readdirSync } from 'node:fs';
import { win32 } from 'node:path';
import { ATTRIBUTE, createDirectory, FILE, fileAttributes } from '../calls/files.js';
import { closeHandle } from '../calls/handles.js';
import { lastError } from '../calls/last-error.js';
import { INVALID_HANDLE, type Handle } from '../calls/libraries.js';
import { createFileW } from '../calls/named-pipe.js';
import { securityAttributes } from '../calls/security-attributes.js';
import {
  localFree,
  OBJECT_TYPE,
  ownSid,
  protectFile,
  SECURITY_PART,
  securityDescriptor,
  securityOf,
} from '../calls/security.js';
import { ERROR } from '../error-codes.js';
import { securityFrom } from '../security.plan.js';
import type { OpenItem, ProtectedItems } from './protected-items.js';

const LOOK = FILE.readControl | FILE.readAttributes;
const CHANGE = LOOK | FILE.writeDac | FILE.writeOwner;

/** The files and folders of this Windows host. */
export class WindowsItems implements ProtectedItems {
  readonly ownSid = ownSid();

  createFolder(path: string, sddl: string): boolean {
    const descriptor = securityDescriptor(sddl);
    const isCreated = createDirectory(win32.toNamespacedPath(path), securityAttributes(descriptor)) !== 0;
    const refusal = isCreated ? undefined : lastError('CreateDirectoryW');
    localFree(descriptor);
    if (refusal === undefined) return true;
    if (refusal.windowsCode === ERROR.alreadyExists) return false;
    throw refusal;
  }

  open(path: string, access: 'look' | 'change'): OpenItem | undefined {
    const handle = createFileW(
      win32.toNamespacedPath(path),
      access === 'look' ? LOOK : CHANGE,
      FILE.shareAll,
      null,
      FILE.openExisting,
      FILE.folders | FILE.openLink,
      0,
    );
    if (handle !== INVALID_HANDLE) return itemOf(handle);
    const refusal = lastError('CreateFileW');
    if (refusal.windowsCode === ERROR.fileNotFound || refusal.windowsCode === ERROR.pathNotFound)
      return undefined;
    throw refusal;
  }

  list(path: string): readonly string[] {
    return readdirSync(path);
  }
}

function itemOf(handle: Handle): OpenItem {
  try {
    return {
      kind: kindOf(fileAttributes(handle)),
      security: () =>
        securityFrom(securityOf(handle, OBJECT_TYPE.file, SECURITY_PART.owner | SECURITY_PART.accessList)),
      protect: (sddl) => protectFile(handle, sddl),
      [Symbol.dispose]: () => void closeHandle(handle),
    };
  } catch (error) {
    closeHandle(handle);
    throw error;
  }
}

function kindOf(attributes: number): OpenItem['kind'] {
  if ((attributes & ATTRIBUTE.reparsePoint) !== 0) return 'link';
  return (attributes & ATTRIBUTE.directory) !== 0 ? 'folder' : 'file';
}
