import type { PowerShellFailure } from '../../../src/powershell/index.js';

/**
 * How a simulated Windows host answers one cmdlet. It has two front doors: the product's typed calls come to it directly, and
 * stub cmdlets in a real PowerShell engine bind their parameters and then ask it, over a socket.
 */
export type HostAnswer =
  /** The objects that the cmdlet gives; properties as JSON. */
  | { readonly kind: 'rows'; readonly rows: readonly HostObject[]; readonly prints?: Prints }
  | { readonly kind: 'failure'; readonly failure: Omit<PowerShellFailure, 'command'> }
  /** It never answers. */
  | { readonly kind: 'hang' }
  /** The process of PowerShell ends in the middle of it. */
  | { readonly kind: 'exit' };

export type HostObject = Readonly<Record<string, unknown>>;

/** What a host writes past the pipeline, before it answers. */
export interface Prints {
  readonly stdout?: string;
  readonly stderr?: string;
}

/** Of one cmdlet, as PowerShell's binder has bound it. */
export interface BoundCall {
  readonly command: string;
  /** By their full names; values as JSON, a switch parameter as `true`, a secret as its text. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

export type AnswerCmdlet = (call: BoundCall) => HostAnswer;

/** As {@link AnswerCmdlet}, by a host that takes its time. */
export type AnswerCmdletLater = (call: BoundCall) => HostAnswer | Promise<HostAnswer>;
