import koffi from 'koffi';
import { ERROR } from '../error-codes.js';
import { closeHandle } from './handles.js';
import { getLastError } from './last-error.js';
import { INVALID_HANDLE, kernel32, type Address, type Handle } from './libraries.js';
import { SECURITY_ATTRIBUTES, securityAttributes, type SecurityAttributes } from './security-attributes.js';

const createNamedPipeW: (
  name: string,
  openMode: number,
  pipeMode: number,
  maxInstances: number,
  outBytes: number,
  inBytes: number,
  timeoutMs: number,
  attributes: SecurityAttributes,
) => Handle = kernel32.func('__stdcall', 'CreateNamedPipeW', 'intptr_t', [
  'str16',
  'uint32',
  'uint32',
  'uint32',
  'uint32',
  'uint32',
  'uint32',
  koffi.pointer(SECURITY_ATTRIBUTES),
]);

const PIPE_ACCESS_DUPLEX = 0x3;
const FILE_FLAG_OVERLAPPED = 0x4000_0000;
const FILE_FLAG_FIRST_PIPE_INSTANCE = 0x0008_0000;
const PIPE_TYPE_MESSAGE = 0x4;
// Reading by message keeps a zero-byte message apart from the data before it.
const PIPE_READMODE_MESSAGE = 0x2;
const PIPE_REJECT_REMOTE_CLIENTS = 0x8;
const PIPE_UNLIMITED_INSTANCES = 255;

export interface NamedPipeOptions {
  readonly name: string;
  readonly descriptor: Address;
  /** Fails if the pipe exists. */
  readonly isFirst: boolean;
  /** How much a writer may be ahead of the reader. */
  readonly bufferBytes: number;
}

/**
 * A new instance of a message-type pipe for overlapped calls: INVALID_HANDLE if it fails.
 * https://learn.microsoft.com/windows/win32/api/namedpipeapi/nf-namedpipeapi-createnamedpipew
 */
export function createNamedPipe({ name, descriptor, isFirst, bufferBytes }: NamedPipeOptions): Handle {
  return createNamedPipeW(
    name,
    PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | (isFirst ? FILE_FLAG_FIRST_PIPE_INSTANCE : 0),
    PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_REJECT_REMOTE_CLIENTS,
    PIPE_UNLIMITED_INSTANCES,
    bufferBytes,
    bufferBytes,
    0,
    securityAttributes(descriptor),
  );
}

/** https://learn.microsoft.com/windows/win32/api/namedpipeapi/nf-namedpipeapi-connectnamedpipe */
export const connectNamedPipe: (handle: Handle, overlapped: Address) => number = kernel32.func(
  'int __stdcall ConnectNamedPipe(intptr_t handle, void *overlapped)',
);

const waitNamedPipe: (name: string, milliseconds: number) => number = kernel32.func(
  'int __stdcall WaitNamedPipeW(str16 name, uint32 milliseconds)',
);

/**
 * Whether a pipe of that name exists, without connecting to it:
 * https://learn.microsoft.com/windows/win32/api/namedpipeapi/nf-namedpipeapi-waitnamedpipew
 */
export function pipeExists(name: string): boolean {
  return waitNamedPipe(name, 1) !== 0 || getLastError() !== ERROR.fileNotFound;
}

const getNamedPipeClientProcessId: (handle: Handle, pid: Uint32Array) => number = kernel32.func(
  'int __stdcall GetNamedPipeClientProcessId(intptr_t handle, void *pid)',
);
const getNamedPipeServerProcessId: (handle: Handle, pid: Uint32Array) => number = kernel32.func(
  'int __stdcall GetNamedPipeServerProcessId(intptr_t handle, void *pid)',
);

/** https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-getnamedpipeclientprocessid */
export function clientProcessId(handle: Handle): number | undefined {
  const pid = new Uint32Array(new ArrayBuffer(4));
  return getNamedPipeClientProcessId(handle, pid) === 0 ? undefined : pid[0];
}

/** https://learn.microsoft.com/windows/win32/api/fileapi/nf-fileapi-createfilew */
export const createFileW: (
  name: string,
  access: number,
  share: number,
  attributes: null,
  disposition: number,
  flags: number,
  template: Handle,
) => Handle = kernel32.func(
  'intptr_t __stdcall CreateFileW(str16 name, uint32 access, uint32 share, void *attributes, uint32 disposition, uint32 flags, intptr_t template)',
);

const FILE_READ_ATTRIBUTES = 0x80;
const OPEN_EXISTING = 3;
// SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS: the server must not act with our rights.
const ANONYMOUS = 0x0010_0000;

/**
 * The process that serves the pipe; undefined if it cannot be told. Connects to it for a moment.
 * https://learn.microsoft.com/windows/win32/api/winbase/nf-winbase-getnamedpipeserverprocessid
 */
export function serverProcessId(name: string): number | undefined {
  const handle = createFileW(name, FILE_READ_ATTRIBUTES, 0, null, OPEN_EXISTING, ANONYMOUS, 0);
  if (handle === INVALID_HANDLE) return undefined;
  const pid = new Uint32Array(new ArrayBuffer(4));
  const isKnown = getNamedPipeServerProcessId(handle, pid) !== 0;
  closeHandle(handle);
  return isKnown ? pid[0] : undefined;
}
