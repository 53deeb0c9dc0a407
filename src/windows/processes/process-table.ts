import type { ProcessEntry, ProcessTable, StartedProcess } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { closeHandle } from '../calls/handles.js';
import { getLastError, lastError } from '../calls/last-error.js';
import type { Handle } from '../calls/libraries.js';
import {
  creationTime,
  imagePath,
  openProcess,
  PROCESS,
  terminateProcess,
  WAIT,
  waitForSingleObject,
} from '../calls/processes.js';
import { ERROR } from '../error-codes.js';

const LOOK = PROCESS.queryLimitedInformation | PROCESS.synchronize;
const KILLED = 1;

/**
 * The processes of this Windows host. The start id is the creation time, which no other process with the same id
 * has: not after a reboot either, since it is an absolute time. Arguments are not read; the program's path is the
 * only one.
 */
export const windowsProcessTable: ProcessTable = {
  find: (pid) => Promise.resolve(find(pid)),
  isAlive: (process) => Promise.resolve(isAlive(process)),
  kill: (process) => Promise.resolve().then(() => kill(process)),
};

function find(pid: number): ProcessEntry | undefined {
  const handle = openProcess(LOOK, 0, pid);
  if (handle === 0) return undefined;
  try {
    const startId = startIdOf(handle);
    return startId === undefined ? undefined : { pid, startId, args: [imagePath(handle) ?? ''] };
  } finally {
    closeHandle(handle);
  }
}

/** A process that may not be opened is another user's or the system's. It counts as the one that is meant. */
function isAlive({ pid, startId }: StartedProcess): boolean {
  const handle = openProcess(LOOK, 0, pid);
  if (handle === 0) return getLastError() === ERROR.accessDenied;
  const found = startIdOf(handle);
  closeHandle(handle);
  return found === startId;
}

function kill(process: StartedProcess): void {
  const handle = openProcess(LOOK | PROCESS.terminate, 0, process.pid);
  if (handle === 0) {
    const refusal = lastError('OpenProcess');
    if (refusal.windowsCode === ERROR.accessDenied && isAlive(process))
      throw notPermittedError(process.pid, refusal);
    return;
  }
  try {
    if (startIdOf(handle) !== process.startId) return;
    if (terminateProcess(handle, KILLED) !== 0) return;
    const refusal = lastError('TerminateProcess');
    // One that has ended meanwhile cannot be ended again.
    if (!hasEnded(handle)) throw notPermittedError(process.pid, refusal);
  } finally {
    closeHandle(handle);
  }
}

/** Undefined if it has ended: a process's number is kept while another has it open. */
function startIdOf(handle: Handle): string | undefined {
  return hasEnded(handle) ? undefined : creationTime(handle)?.toString();
}

function hasEnded(handle: Handle): boolean {
  return waitForSingleObject(handle, 0) === WAIT.object;
}

function notPermittedError(pid: number, cause: Error): MobyvmError {
  return new MobyvmError(
    'MOBYVM_NOT_ROOT',
    `The process ${pid} cannot be ended: ${cause.message}.`,
    'Run the command as an administrator.',
    { cause, details: { pid } },
  );
}
