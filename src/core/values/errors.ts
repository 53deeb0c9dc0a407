import type { ErrorCode } from './error-codes.js';

export type { ErrorCode } from './error-codes.js';

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** The one error class. Match on `code`, never on the message; every code has a section in docs/errors.md. */
export class MobyvmError extends Error {
  override readonly name: string = 'MobyvmError';
  readonly details: ErrorDetails;

  /**
   * @param code stable, see {@link ErrorCode}
   * @param message what went wrong: one sentence with the offending value in it
   * @param remedy what the user can do now, as an instruction; empty only for a bug of ours
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly remedy: string,
    options: { readonly cause?: unknown; readonly details?: ErrorDetails } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.details = options.details ?? {};
  }
}

/** Bytes that do not follow the format. `field` and `offset` say where; thrown by codecs and by nothing else. */
export class CodecError extends MobyvmError {
  override readonly name = 'CodecError';

  constructor(
    readonly field: string,
    readonly offset: number,
    /** What is wrong there, as the rest of a sentence that begins with the field. */
    readonly problem: string,
  ) {
    super('MOBYVM_CODEC', `${field} at byte ${offset}: ${problem}`, '', { details: { field, offset } });
  }
}

/** The form in which errors cross a process border (control API, `--json`, state files). */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly details: ErrorDetails;
}

/** SerialQueue whatever was thrown into a report. What is not a MobyvmError is a bug of ours and says so. */
export function reportOf(thrown: unknown): ErrorReport {
  if (thrown instanceof MobyvmError) {
    return { code: thrown.code, message: thrown.message, remedy: thrown.remedy, details: thrown.details };
  }
  if (thrown instanceof AggregateError && thrown.errors[0] instanceof MobyvmError) {
    const [first, ...rest] = thrown.errors as [MobyvmError, ...unknown[]];
    const report = reportOf(first);
    // One cause, such as a full disk, fails one undo after the other.
    const others = [...new Set(rest.map(textOf))].filter((text) => text !== report.message);
    return others.length === 0
      ? report
      : { ...report, message: `${report.message} (and undoing failed: ${others.join('; ')})` };
  }
  if (isAbort(thrown))
    return {
      code: 'MOBYVM_ABORTED',
      message: 'The operation was interrupted.',
      remedy: 'Run the command again when you want it to finish.',
      details: {},
    };
  return {
    code: 'MOBYVM_BUG',
    message: textOf(thrown),
    remedy: 'This is a bug in mobyvm. Attach the output of `mobyvm logs` to a bug report.',
    details: {},
  };
}

/** True for the error an aborted AbortSignal throws, and for our own MOBYVM_ABORTED. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof MobyvmError
    ? thrown.code === 'MOBYVM_ABORTED'
    : thrown instanceof Error &&
        (thrown.name === 'AbortError' || (thrown as NodeJS.ErrnoException).code === 'ABORT_ERR');
}

/** True for what a signal of `AbortSignal.timeout` throws, also when it comes as the cause of an aborted request. */
export function isTimeout(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === 'TimeoutError' || (thrown.name === 'AbortError' && isTimeout(thrown.cause));
}

/** The errno name (`ENOENT`, `EADDRINUSE` …) of a system error, or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** One line of text for anything thrown. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
