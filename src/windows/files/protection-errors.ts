import { diskFullError } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { ERROR } from '../error-codes.js';
import { WindowsCallError } from '../windows-call-error.js';

const MOVE =
  'or point mobyvm at another path (MOBYVM_STATE_DIR, MOBYVM_RUN_DIR, MOBYVM_LOG_DIR, MOBYVM_SETTINGS).';

/** Runs the work; a call that failed is thrown as what it means for the user. */
export function explained(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw error instanceof WindowsCallError ? callError(path, error) : error;
  }
}

function callError(path: string, cause: WindowsCallError): MobyvmError {
  const details = { path, call: cause.call, windowsCode: cause.windowsCode };
  switch (cause.windowsCode) {
    case ERROR.accessDenied:
      return new MobyvmError(
        'MOBYVM_NOT_ROOT',
        `Access to ${path} was denied.`,
        `Run the command from an elevated prompt ("Run as administrator"), ${MOVE}`,
        { cause, details },
      );
    case ERROR.diskFull:
      return diskFullError(path, cause);
    default:
      return new MobyvmError(
        'MOBYVM_STATE_FILE',
        `${path} cannot be used: ${cause.message}.`,
        `Fix the problem, ${MOVE}`,
        { cause, details },
      );
  }
}

export function missingError(path: string): MobyvmError {
  return new MobyvmError('MOBYVM_STATE_FILE', `${path} cannot be found.`, 'Run the command again.', {
    details: { path },
  });
}

export function notFolderError(path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    `${path} cannot be used: it is a file where a folder should be.`,
    `Move it away, ${MOVE}`,
    { details: { path } },
  );
}

export function linkError(path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `${path} is a link or junction, which mobyvm does not follow: it would keep secrets wherever the link leads.`,
    `Check who made it and remove it (rmdir "${path}"), ${MOVE}`,
    { details: { path } },
  );
}

export function foreignOwnerError(path: string, owner = 'nobody'): MobyvmError {
  return new MobyvmError(
    'MOBYVM_FOREIGN_OBJECT',
    `${path} belongs to an ordinary user (${owner}), and mobyvm would keep secrets in it.`,
    `Check what is in it. Then move it away, or give it to the administrators: takeown /A /R /D Y /F "${path}"`,
    { details: { path, owner } },
  );
}

export function notProtectedError(path: string): MobyvmError {
  return new MobyvmError(
    'MOBYVM_STATE_FILE',
    `Others could read ${path}: its file system does not keep access lists.`,
    `Use a folder on an NTFS or ReFS volume: ${MOVE.slice('or '.length)}`,
    { details: { path } },
  );
}
