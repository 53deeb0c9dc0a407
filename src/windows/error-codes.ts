/** https://learn.microsoft.com/windows/win32/debug/system-error-codes */
export const ERROR = {
  success: 0,
  fileNotFound: 2,
  accessDenied: 5,
  brokenPipe: 109,
  semaphoreTimeout: 121,
  pipeBusy: 231,
  noData: 232,
  pipeNotConnected: 233,
  moreData: 234,
  waitTimeout: 258,
  pipeConnected: 535,
  operationAborted: 995,
  ioPending: 997,
  noneMapped: 1332,
} as const;
