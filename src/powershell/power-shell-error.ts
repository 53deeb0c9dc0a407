/** How a call failed. Decide on `errorId` and `hresult`: the message is in the language of the system. */
export interface PowerShellFailure {
  /**
   * FullyQualifiedErrorId before its first comma, for example `InvalidParameter`; empty when there is none.
   */
  readonly errorId: string;
  /** ErrorCategory by name, for example `ObjectNotFound`, `PermissionDenied`, `ResourceExists`. */
  readonly category: string;
  /** Unsigned; 0 when there is no specific one. */
  readonly hresult: number;
  /** Localised; only for people and logs. */
  readonly message: string;
  /** The cmdlet that failed, if known. */
  readonly command: string;
}

/** Error ids of a cmdlet whose module cannot be loaded on demand. */
export const AUTOLOAD: readonly string[] = ['CouldNotAutoLoadModule', 'CouldNotAutoloadMatchingModule'];

/** The cmdlet's module is missing or cannot be loaded. */
export function isMissing(failure: PowerShellFailure): boolean {
  return ['CommandNotFoundException', ...AUTOLOAD].includes(failure.errorId) && !isForbidden(failure);
}

/** A system policy keeps PowerShell from running the call or loading its module. */
export function isForbidden({ category }: PowerShellFailure): boolean {
  return category === 'SecurityError';
}

/** Thrown when a cmdlet fails. A session that hangs, dies or cannot be started is a MobyvmError instead. */
export class PowerShellError extends Error implements PowerShellFailure {
  override readonly name = 'PowerShellError';
  readonly errorId: string;
  readonly category: string;
  readonly hresult: number;
  readonly command: string;

  constructor(failure: PowerShellFailure) {
    super(failure.message);
    this.errorId = failure.errorId;
    this.category = failure.category;
    this.hresult = failure.hresult >>> 0;
    this.command = failure.command;
  }
}
