import type { OperationName } from '../../protocol/messages.js';

/**
 * What happens to an operation that is asked for while another one runs.
 *
 * - `start`: nothing runs
 * - `join`: the running one leads to the same end; its events and its result are shared
 * - `preempt`: the running one is aborted and undone first (`mobyvm down` stops a start)
 * - `refuse`: the running one must end first
 */
export type Conflict = 'start' | 'join' | 'preempt' | 'refuse';

const CONFLICTS: Readonly<Record<OperationName, Readonly<Record<OperationName, Conflict>>>> = {
  // running: { asked: … }
  up: { up: 'join', restart: 'refuse', down: 'preempt' },
  restart: { up: 'join', restart: 'join', down: 'preempt' },
  down: { up: 'refuse', restart: 'refuse', down: 'join' },
};

export function conflictOf(running: OperationName | undefined, asked: OperationName): Conflict {
  return running === undefined ? 'start' : CONFLICTS[running][asked];
}
