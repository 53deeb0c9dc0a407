import {
  CRED_PERSIST_LOCAL_MACHINE,
  CRED_TYPE_GENERIC,
  CREDENTIAL,
  credDelete,
  credEnumerate,
  credFree,
  credRead,
  credWrite,
} from '../calls/credentials.js';
import { lastError } from '../calls/last-error.js';
import type { Address } from '../calls/libraries.js';
import { allocate, memoryAt, textAt } from '../calls/memory.js';
import { ERROR } from '../error-codes.js';
import { WindowsCallError } from '../windows-call-error.js';
import { credentialError, type CredentialManager } from './credentials.js';

const POINTER_BYTES = 8;

/** The Credential Manager of the user that this process runs as: the service's own for SYSTEM. */
export const windowsCredentialManager: CredentialManager = {
  read: (target) => explained(() => readPassword(target)),
  write: (target, user, password) => explained(() => writePassword(target, user, password)),
  remove: (target) =>
    explained(() => {
      if (credDelete(target, CRED_TYPE_GENERIC, 0) !== 0) return;
      const refusal = lastError('CredDeleteW');
      if (refusal.windowsCode !== ERROR.notFound) throw refusal;
    }),
  users: (prefix) => explained(() => usersOf(prefix)),
};

function readPassword(target: string): string | undefined {
  const found: [Address | null] = [null];
  if (credRead(target, CRED_TYPE_GENERIC, 0, found) === 0 || found[0] === null) {
    const refusal = lastError('CredReadW');
    if (refusal.windowsCode === ERROR.notFound) return undefined;
    throw refusal;
  }
  try {
    const blob = blobOf(found[0]);
    const password = blob.toString('utf16le');
    blob.fill(0);
    return password;
  } finally {
    credFree(found[0]);
  }
}

/** The structure, then the texts and the password, in one piece of memory that is overwritten afterwards. */
function writePassword(target: string, user: string, password: string): void {
  const [targetAt, targetBytes] = [CREDENTIAL.length, (target.length + 1) * 2];
  const [userAt, userBytes] = [targetAt + targetBytes, (user.length + 1) * 2];
  const [blobAt, blobBytes] = [userAt + userBytes, password.length * 2];
  const memory = allocate(blobAt + blobBytes);
  const { bytes } = memory;
  const at = (offset: number): bigint => memory.address + BigInt(offset);
  try {
    bytes.fill(0);
    bytes.write(target, targetAt, 'utf16le');
    bytes.write(user, userAt, 'utf16le');
    bytes.write(password, blobAt, 'utf16le');
    bytes.writeUInt32LE(CRED_TYPE_GENERIC, CREDENTIAL.type);
    bytes.writeBigUInt64LE(at(targetAt), CREDENTIAL.targetName);
    bytes.writeUInt32LE(blobBytes, CREDENTIAL.blobSize);
    bytes.writeBigUInt64LE(at(blobAt), CREDENTIAL.blob);
    bytes.writeUInt32LE(CRED_PERSIST_LOCAL_MACHINE, CREDENTIAL.persist);
    bytes.writeBigUInt64LE(at(userAt), CREDENTIAL.userName);
    if (credWrite(memory.address, 0) === 0) throw lastError('CredWriteW');
  } finally {
    bytes.fill(0);
    memory.free();
  }
}

function usersOf(prefix: string): readonly string[] {
  const count = new Uint32Array(new ArrayBuffer(4));
  const found: [Address | null] = [null];
  if (credEnumerate(`${prefix}*`, 0, count, found) === 0 || found[0] === null) {
    const refusal = lastError('CredEnumerateW');
    if (refusal.windowsCode === ERROR.notFound) return [];
    throw refusal;
  }
  try {
    const pointers = memoryAt(found[0], (count[0] ?? 0) * POINTER_BYTES);
    return Array.from({ length: count[0] ?? 0 }, (_, index) => {
      const credential = pointers.readBigUInt64LE(index * POINTER_BYTES);
      blobOf(credential).fill(0);
      return textAt(memoryAt(credential, CREDENTIAL.length).readBigUInt64LE(CREDENTIAL.userName)) ?? '';
    });
  } finally {
    credFree(found[0]);
  }
}

function blobOf(credential: Address): Buffer {
  const bytes = memoryAt(credential, CREDENTIAL.length);
  const length = bytes.readUInt32LE(CREDENTIAL.blobSize);
  return length === 0 ? Buffer.alloc(0) : memoryAt(bytes.readBigUInt64LE(CREDENTIAL.blob), length);
}

function explained<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw error instanceof WindowsCallError ? credentialError(error) : error;
  }
}
