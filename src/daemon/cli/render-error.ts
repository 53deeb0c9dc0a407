import type { ErrorReport } from '../../core/index.js';

/** The one form in which a person sees an error: what happened, what to do, the code, and where to read more. */
export function errorLines(error: ErrorReport, logPath: string): string[] {
  return [
    `mobyvm: ${error.message}`,
    ...(error.remedy === '' ? [] : [`  → ${error.remedy}`]),
    `  ${error.code} · mobyvm explain ${error.code} · log: ${logPath}`,
  ];
}
