import { ERROR } from './error-codes.js';

/**
 * A Windows call that failed. It never leaves src/windows except as an 'error' of a stream or as the cause of a
 * MobyvmError; `code` is what Node's own pipes would report.
 */
export class WindowsCallError extends Error {
  override readonly name = 'WindowsCallError';
  readonly code: string;

  constructor(
    readonly call: string,
    /** https://learn.microsoft.com/windows/win32/debug/system-error-codes */
    readonly windowsCode: number,
    text = '',
  ) {
    super(`${call} failed with error ${windowsCode}${text === '' ? '' : `: ${text}`}`);
    this.code = ERRNO.get(windowsCode) ?? 'UNKNOWN';
  }
}

const ERRNO: ReadonlyMap<number, string> = new Map([
  [ERROR.accessDenied, 'EACCES'],
  [ERROR.brokenPipe, 'EPIPE'],
  [ERROR.noData, 'EPIPE'],
  [ERROR.pipeNotConnected, 'EPIPE'],
  [ERROR.operationAborted, 'ECANCELED'],
  [ERROR.pipeBusy, 'EBUSY'],
  [ERROR.fileNotFound, 'ENOENT'],
  [ERROR.pathNotFound, 'ENOENT'],
]);
