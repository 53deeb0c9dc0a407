/** What a failed call says about itself. Decide on `errorId` and `hresult`: the message is in the language of the system. */
export interface PowerShellFailure {
  /** FullyQualifiedErrorId before its first comma, for example `InvalidParameter`; empty when there is none. */
  readonly errorId: string;
  /** ErrorCategory by name, for example `ObjectNotFound`, `PermissionDenied`, `ResourceExists`. */
  readonly category: string;
  /** Unsigned; 0 when there is none that tells anything. */
  readonly hresult: number;
  /** Localised, for people and logs alone. */
  readonly message: string;
  /** The cmdlet that failed, where that is known. */
  readonly command: string;
}

/** The ids of a failure to load, on demand, the module of a cmdlet. */
export const AUTOLOAD: readonly string[] = ['CouldNotAutoLoadModule', 'CouldNotAutoloadMatchingModule'];

/** The cmdlet's module is not there, or cannot be loaded. */
export function isMissing(failure: PowerShellFailure): boolean {
  return ['CommandNotFoundException', ...AUTOLOAD].includes(failure.errorId) && !isForbidden(failure);
}

/** A policy of the system keeps PowerShell from running what the call needs, or from loading its module. */
export function isForbidden({ category }: PowerShellFailure): boolean {
  return category === 'SecurityError';
}

/** Thrown when a cmdlet failed. A session that hangs, dies or cannot be started is a MobyvmError instead. */
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
