import type { CmdletCall, Guid, Hashtable, Secret } from '../call.js';

/**
 * What a parameter takes. A list of texts are the values that it accepts (also where it takes several: then one of them).
 * `texts`, `numbers` and `objects` take one as well. `object` is what another cmdlet gives.
 */
export type ParameterKind =
  | 'text'
  | 'texts'
  | 'number'
  | 'numbers'
  | 'boolean'
  | 'switch'
  | 'guid'
  | 'date'
  | 'secret'
  | 'table'
  | 'object'
  | 'objects'
  | readonly string[];

/** Names, kinds and sets as Microsoft's cmdlet reference of Windows Server 2025 has them; only parameters that are of use here. */
export interface CmdletEntry {
  readonly module: string;
  /** It may ask for confirmation (`-WhatIf`, `-Confirm`). */
  readonly confirms: boolean;
  readonly parameters: Readonly<Record<string, ParameterKind>>;
  /** Those that take objects out of the pipeline. */
  readonly input?: readonly string[];
  /** Parameter sets: names in their order, `!` behind those that must be given. `all` is the only one of a cmdlet without sets. */
  readonly sets: Readonly<Record<string, string>>;
  readonly defaultSet?: string;
}

export type CmdletTable = Readonly<Record<string, CmdletEntry>>;

interface ValueOfKind {
  text: string;
  texts: string | readonly string[];
  number: number;
  numbers: number | readonly number[];
  boolean: boolean;
  switch: boolean;
  guid: Guid;
  date: Date;
  secret: Secret;
  table: Hashtable;
  object: CmdletCall;
  objects: CmdletCall;
}

export type ValueOf<K extends ParameterKind> = K extends readonly (infer Value)[]
  ? Value
  : K extends keyof ValueOfKind
    ? ValueOfKind[K]
    : never;
