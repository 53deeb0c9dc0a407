import type { InstancePaths } from '../protocol/paths.js';
import type { Terminal } from './terminal.js';

/** What every command gets; made once in main.ts. */
export interface CommandContext {
  readonly paths: InstancePaths;
  readonly terminal: Terminal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How to start this program again: the interpreter and the entry file. */
  readonly self: readonly [program: string, entry: string];
  readonly commandLine: string;
  readonly pid: number;
  readonly isRoot: boolean;
  /** Aborted at the first Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Standard input to its end, without one final line break. @throws MobyvmError MOBYVM_USAGE when it is far too long */
  readonly readInput: () => Promise<string>;
  /** The folder of the installed package: docs, guest recipes, scripts. */
  readonly packageDir: string;
}

/** A command's exit code; errors are thrown and rendered in one place. */
export type CommandResult = Promise<number>;

export interface DaemonOptions {
  readonly namespace: string | undefined;
  readonly startsMachine: boolean;
  /** Started by another command: errors are printed as JSON for it, and a daemon with nothing to do ends. */
  readonly isBackground: boolean;
}
