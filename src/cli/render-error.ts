import type { ErrorCode, ErrorReport } from '../core/values/index.js';

/** The daemon has nothing to say of what a command finds out by itself. */
const WITHOUT_LOG: readonly ErrorCode[] = [
  'MOBYVM_USAGE',
  'MOBYVM_UNKNOWN_CODE',
  'MOBYVM_SETTINGS',
  'MOBYVM_NOT_ROOT',
  'MOBYVM_PLATFORM',
];

/** The one form in which a person sees an error: what happened, what to do, the code, and where to read more. */
export function errorLines(error: ErrorReport, logPath: string): string[] {
  return [
    `mobyvm: ${error.message}`,
    ...(error.remedy === '' ? [] : [`  → ${error.remedy}`]),
    `  ${error.code} · mobyvm explain ${error.code}${WITHOUT_LOG.includes(error.code) ? '' : ` · log: ${logPath}`}`,
  ];
}
