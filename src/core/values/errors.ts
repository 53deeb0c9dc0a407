import type { ErrorCode } from './error-codes.js';

export type { ErrorCode } from './error-codes.js';

export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** The only error class. Match on `code`, never on the message; docs/errors.md describes every code. */
export class MobyvmError extends Error {
  override readonly name: string = 'MobyvmError';
  readonly details: ErrorDetails;

  /**
   * @param code stable, see {@link ErrorCode}
   * @param message what went wrong: one sentence that includes the offending value
   * @param remedy what the user can do about it, as an instruction; empty only for a bug in mobyvm
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

/** Malformed input. `field` and `offset` say where; only codecs throw it. */
export class CodecError extends MobyvmError {
  override readonly name = 'CodecError';

  constructor(
    readonly field: string,
    readonly offset: number,
    /** What is wrong, completing a sentence that begins with the field. */
    readonly problem: string,
  ) {
    super('MOBYVM_CODEC', `${field} at byte ${offset}: ${problem}`, '', { details: { field, offset } });
  }
}

/** An error as it crosses a process boundary (control API, `--json`, state files). */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly details: ErrorDetails;
}

/** Turns any thrown value into a report. Anything but a MobyvmError is reported as a bug in mobyvm. */
export function reportOf(thrown: unknown): ErrorReport {
  if (thrown instanceof MobyvmError) {
    return { code: thrown.code, message: thrown.message, remedy: thrown.remedy, details: thrown.details };
  }
  if (thrown instanceof AggregateError && thrown.errors[0] instanceof MobyvmError) {
    const [first, ...rest] = thrown.errors as [MobyvmError, ...unknown[]];
    const report = reportOf(first);
    // One cause, such as a full disk, can make several undos fail with the same message.
    const others = [...new Set(rest.map(textOf))].filter((text) => text !== report.message);
    return others.length === 0
      ? report
      : { ...report, message: `${report.message} (and undoing it failed: ${others.join('; ')})` };
  }
  if (isAbort(thrown))
    return {
      code: 'MOBYVM_ABORTED',
      message: 'The operation was interrupted.',
      remedy: 'Run the command again to finish it.',
      details: {},
    };
  return {
    code: 'MOBYVM_BUG',
    message: textOf(thrown),
    remedy: 'This is a bug in mobyvm. Attach the output of `mobyvm logs` to a bug report.',
    details: {},
  };
}

/** True for the error that an aborted AbortSignal throws, and for MOBYVM_ABORTED. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof MobyvmError
    ? thrown.code === 'MOBYVM_ABORTED'
    : thrown instanceof Error &&
        (thrown.name === 'AbortError' || (thrown as NodeJS.ErrnoException).code === 'ABORT_ERR');
}

/** True for the error of a time limit, also when it is the cause of an aborted request. */
export function isTimeout(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return thrown.name === 'TimeoutError' || (thrown.name === 'AbortError' && isTimeout(thrown.cause));
}

/** The errno name (`ENOENT`, `EADDRINUSE`, …) of a system error, or undefined. */
export function errnoOf(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** The message of any thrown value. */
export function textOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
