import { MobyvmError, type ErrorCode, type ErrorReport } from '../core/values/index.js';

/** Errors that a command finds by itself: the daemon's log says nothing about them. */
const WITHOUT_LOG: readonly ErrorCode[] = [
  'MOBYVM_USAGE',
  'MOBYVM_UNKNOWN_CODE',
  'MOBYVM_SETTINGS',
  'MOBYVM_NOT_ROOT',
  'MOBYVM_PLATFORM',
];

/** How an error is printed: what happened, how to fix it, its code, and where to read more. */
export function errorLines(error: ErrorReport, logPath: string): string[] {
  return [
    `mobyvm: ${error.message}`,
    ...(error.remedy === '' ? [] : [`  → ${error.remedy}`]),
    `  ${error.code} · mobyvm explain ${error.code}${WITHOUT_LOG.includes(error.code) ? '' : ` · log: ${logPath}`}`,
  ];
}

/** The error that the other process reported; the inverse of `reportOf`. */
export function errorOf({ code, message, remedy, details }: ErrorReport): MobyvmError {
  return new MobyvmError(code, message, remedy, { details });
}
