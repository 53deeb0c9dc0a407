import koffi from 'koffi';
import { lastError } from './last-error.js';
import { kernel32, type Handle } from './libraries.js';
import { SECURITY_ATTRIBUTES, type SecurityAttributes } from './security-attributes.js';

/** https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createdirectoryw */
export const createDirectory: (path: string, attributes: SecurityAttributes) => number = kernel32.func(
  '__stdcall',
  'CreateDirectoryW',
  'int',
  ['str16', koffi.pointer(SECURITY_ATTRIBUTES)],
);

/** Rights, sharing and flags of CreateFileW: https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew */
export const FILE = {
  listDirectory: 0x1,
  readAttributes: 0x80,
  readControl: 0x2_0000,
  writeDac: 0x4_0000,
  writeOwner: 0x8_0000,
  shareAll: 0x7,
  openExisting: 3,
  /** FILE_FLAG_BACKUP_SEMANTICS: needed to open a folder. */
  folders: 0x0200_0000,
  /** FILE_FLAG_OPEN_REPARSE_POINT: opens a link itself. */
  openLink: 0x0020_0000,
  overlapped: 0x4000_0000,
} as const;

const getFileInformationByHandle: (file: Handle, information: Buffer) => number = kernel32.func(
  'int __stdcall GetFileInformationByHandle(intptr_t file, void *information)',
);
/** BY_HANDLE_FILE_INFORMATION: the attributes are its first field. */
const INFORMATION_BYTES = 52;

/** https://learn.microsoft.com/windows/win32/fileio/file-attribute-constants */
export const ATTRIBUTE = { directory: 0x10, reparsePoint: 0x400 } as const;

/** https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-getfileinformationbyhandle */
export function fileAttributes(file: Handle): number {
  const information = Buffer.alloc(INFORMATION_BYTES);
  if (getFileInformationByHandle(file, information) === 0) throw lastError('GetFileInformationByHandle');
  return information.readUInt32LE(0);
}
