import type { ProgressEvent } from '../../core/host/index.js';
import type { ErrorReport } from '../../core/values/index.js';
import type { EndLimits } from './end-limits.plan.js';

export const OPERATION_NAMES = ['up', 'down', 'restart', 'uninstall'] as const;
export type OperationName = (typeof OPERATION_NAMES)[number];

/** What was asked for, with its options. */
export type Operation =
  | { readonly name: 'up' | 'restart' }
  | {
      readonly name: 'down';
      /** Shut the VM down even if the settings want it saved. */
      readonly stop?: boolean;
      /** Absent when a person waits for it, who can interrupt it. */
      readonly limits?: EndLimits;
    }
  | {
      readonly name: 'uninstall';
      /** Keep the data disk and the machine's identity, so that a later `up` finds its containers again. */
      readonly keepData: boolean;
    };

/** Who asked, shown to clients that have to wait. */
export interface Requester {
  readonly pid: number;
  /** The command line, at most 200 characters. */
  readonly command: string;
}

/** What happens during an operation. Its last event is `operation.done` or `operation.failed`. */
export type OperationEvent =
  | ProgressEvent
  | {
      readonly event: 'operation.joined' | 'operation.waiting';
      readonly operation: OperationName;
      readonly requester: Requester;
    }
  /** A notice for the client although nothing failed: one sentence. */
  | { readonly event: 'operation.notice'; readonly operation: OperationName; readonly message: string }
  | { readonly event: 'operation.done'; readonly operation: OperationName; readonly durationMs: number }
  | {
      readonly event: 'operation.failed';
      readonly operation: OperationName;
      readonly durationMs: number;
      readonly error: ErrorReport;
    };

export type OperationListener = (event: OperationEvent) => void;

/**
 * What happens to an operation that is requested while another one runs.
 *
 * - `start`: nothing runs
 * - `join`: the running one leads to the same end; its events and its result are shared
 * - `preempt`: the running one is aborted and undone first (`mobyvm down` stops a start)
 * - `refuse`: the running one must end first
 */
export type Conflict = 'start' | 'join' | 'preempt' | 'refuse';

const CONFLICTS: Readonly<Record<OperationName, Readonly<Record<OperationName, Conflict>>>> = {
  // running: { requested: … }
  up: { up: 'join', restart: 'refuse', down: 'preempt', uninstall: 'preempt' },
  restart: { up: 'join', restart: 'join', down: 'preempt', uninstall: 'preempt' },
  down: { up: 'refuse', restart: 'refuse', down: 'join', uninstall: 'refuse' },
  uninstall: { up: 'refuse', restart: 'refuse', down: 'join', uninstall: 'refuse' },
};

export function conflictOf(running: OperationName | undefined, requested: OperationName): Conflict {
  return running === undefined ? 'start' : CONFLICTS[running][requested];
}
