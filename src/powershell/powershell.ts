import type { CmdletCall } from './call.js';

/**
 * Access to a Windows host: calls go in, rows come out. There is one implementation over a real PowerShell,
 * and one over a simulated host.
 */
export interface PowerShell {
  /**
   * Runs the pipeline and returns the chosen fields of each object that comes out, in order. No object is an
   * empty list: "not found" is an error only for cmdlets that report it as one (see {@link PowerShellError}).
   */
  read<F extends Fields>(query: Query<F>, options: CallOptions): Promise<readonly Row<F>[]>;

  /** Runs the pipeline for its effect; its output is discarded. */
  run(pipeline: Pipeline, options: CallOptions): Promise<void>;

  /** Ends the session and its process. Pending calls fail. */
  close(): Promise<void>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /**
   * For the call itself, without the wait for its turn; 30. A call that loads a module gets more. The session
   * is killed and restarted when it takes longer.
   */
  readonly timeoutSeconds?: number;
}

/**
 * One cmdlet, or several that each take the output of the one before. `where` keeps the objects whose
 * property equals the value (case-insensitive, as PowerShell compares).
 */
export type Pipeline = readonly [CmdletCall, ...PipelineStage[]];
export type PipelineStage = CmdletCall | { readonly where: string; readonly equals: string };

export interface Query<F extends Fields> {
  readonly pipeline: Pipeline;
  readonly fields: F;
}

/**
 * What to take from each object, by property path (`NetAdapter.Name`). The conversion happens in PowerShell:
 * an enum or a date (ISO 8601, UTC) becomes text, so that differences between JSON versions do not matter.
 * `texts` and `numbers` are always lists; `hidden texts` are texts that no record of PowerShell's output may
 * contain.
 */
export type Fields = Readonly<Record<string, FieldKind>>;
export type FieldKind = 'text' | 'number' | 'boolean' | 'texts' | 'hidden texts' | 'numbers';

/** A missing or null property is undefined; as a list it is empty. */
export type Row<F extends Fields> = { readonly [K in keyof F]: FieldValue<F[K]> };

export type FieldValue<K extends FieldKind> = K extends 'texts' | 'hidden texts'
  ? readonly string[]
  : K extends 'numbers'
    ? readonly number[]
    : (K extends 'text' ? string : K extends 'number' ? number : boolean) | undefined;
