import type { PowerShellFailure } from '../../../src/powershell/index.js';

/**
 * How a simulated Windows host answers one cmdlet. It has two front doors: the product's typed calls come to it directly, and
 * stub cmdlets in a real PowerShell engine bind their parameters and then ask it, over a socket.
 */
export type HostAnswer =
  /** The objects that the cmdlet gives; properties as JSON. */
  | { readonly kind: 'rows'; readonly rows: readonly Readonly<Record<string, unknown>>[] }
  | { readonly kind: 'failure'; readonly failure: PowerShellFailure }
  /** It never answers. */
  | { readonly kind: 'hang' };

/** @param parameters as they were bound: by their full names, values as JSON, a switch parameter as `true` */
export type AnswerCmdlet = (command: string, parameters: Readonly<Record<string, unknown>>) => HostAnswer;
