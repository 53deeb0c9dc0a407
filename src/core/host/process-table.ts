import { findProcess, isAlive, killProcess } from './process-identity.js';

/** A process, told apart from a later one that got the same id. */
export interface StartedProcess {
  readonly pid: number;
  /** When it was started, as the platform writes it down; only ever compared for equality. */
  readonly startId: string;
}

export interface ProcessEntry extends StartedProcess {
  readonly args: readonly string[];
}

/** The processes of the host. `test/contract/process-table.ts` is the behaviour that each implementation has. */
export interface ProcessTable {
  /** The living process with this id; undefined if there is none, or only its zombie. */
  find(pid: number): Promise<ProcessEntry | undefined>;
  isAlive(process: StartedProcess): Promise<boolean>;
  /** Kills exactly the process that is meant, never another with its id. Succeeds if it has ended already. */
  kill(process: StartedProcess): Promise<void>;
}

/** Reads /proc. */
export const linuxProcessTable: ProcessTable = { find: findProcess, isAlive, kill: killProcess };
