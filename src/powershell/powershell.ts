import type { CmdletCall } from './call.js';

/**
 * The Windows host as the product sees it: calls go in, rows come out. One implementation speaks with a real PowerShell,
 * another one with a simulated host.
 */
export interface PowerShell {
  /**
   * Runs the pipeline and returns the chosen fields of each object that comes out, in their order. Nothing is an empty
   * list: "not found" is an error only where the cmdlet says so (see {@link PowerShellError}).
   */
  read<F extends Fields>(query: Query<F>, options: CallOptions): Promise<readonly Row<F>[]>;

  /** Runs the pipeline for its effect; what comes out is dropped. */
  run(pipeline: Pipeline, options: CallOptions): Promise<void>;

  /** Ends the session and its process. Calls that wait fail. */
  close(): Promise<void>;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /**
   * For the call itself, once it is its turn; 30. More for one that loads a module. The session is killed and started again when it is
   * over.
   */
  readonly timeoutSeconds?: number;
}

/**
 * The fixed shapes: one cmdlet, or several of which each takes what the one before gives. `where` keeps the objects whose
 * property equals the value (case-insensitive, as PowerShell compares).
 */
export type Pipeline = readonly [CmdletCall, ...PipelineStage[]];
export type PipelineStage = CmdletCall | { readonly where: string; readonly equals: string };

export interface Query<F extends Fields> {
  readonly pipeline: Pipeline;
  readonly fields: F;
}

/**
 * What to take from each object, by property path (`NetAdapter.Name`). The conversion happens in PowerShell: an enum or a date
 * (ISO 8601, UTC) becomes text, so that no version's JSON matters. `texts` and `numbers` are lists, also of one or none; `hidden texts`
 * are texts that no record of what PowerShell has said may hold.
 */
export type Fields = Readonly<Record<string, FieldKind>>;
export type FieldKind = 'text' | 'number' | 'boolean' | 'texts' | 'hidden texts' | 'numbers';

/** A property that is missing or null is undefined, a list then is empty. */
export type Row<F extends Fields> = { readonly [K in keyof F]: FieldValue<F[K]> };

export type FieldValue<K extends FieldKind> = K extends 'texts' | 'hidden texts'
  ? readonly string[]
  : K extends 'numbers'
    ? readonly number[]
    : (K extends 'text' ? string : K extends 'number' ? number : boolean) | undefined;
