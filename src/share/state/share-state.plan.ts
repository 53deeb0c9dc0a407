import type { FileServerProblem } from '../file-server.js';
import type { MountHealth, MountOutcome } from '../guest-mounts.js';
import { failureOfHealth, failureOfMount, type ShareFailure } from './share-failure.plan.js';

/**
 * - `off`: the VM does not run
 * - `mounting`: it runs, and the share is being mounted
 * - `healthy`: the VM has just read from it
 * - `needs-credentials`: the account's password is unknown or wrong
 * - `unreachable`: the server does not answer
 * - `refused`: the server, the folder or the VM refuses
 * - `removed`: no longer in the list
 */
export const SHARE_STATES = [
  'off',
  'mounting',
  'healthy',
  'needs-credentials',
  'unreachable',
  'refused',
  'removed',
] as const;
export type ShareState = (typeof SHARE_STATES)[number];

export interface ShareStatus {
  readonly state: ShareState;
  /** Why it is not healthy, and what the user can do. */
  readonly failure?: ShareFailure;
  /** Attempts that failed since it was healthy last, or since the VM came. */
  readonly failures: number;
}

export type ShareEvent =
  | { readonly kind: 'vm-ready' }
  | { readonly kind: 'vm-lost' }
  | { readonly kind: 'changed' }
  | { readonly kind: 'host-problem'; readonly problem: FileServerProblem }
  | { readonly kind: 'mount-ended'; readonly outcome: MountOutcome }
  | { readonly kind: 'health'; readonly health: MountHealth }
  /** The VM did not answer. @see guestShareError */
  | { readonly kind: 'vm-silent'; readonly reason: string }
  | { readonly kind: 'removed' };

export const SHARE_OFF: ShareStatus = { state: 'off', failures: 0 };

/** The only way in which the state of a share changes. */
export function nextShareStatus(status: ShareStatus, event: ShareEvent, name: string): ShareStatus {
  if (status.state === 'removed') return status;
  if (event.kind === 'removed') return { state: 'removed', failures: 0 };
  if (event.kind === 'vm-ready') return { state: 'mounting', failures: 0 };
  if (event.kind === 'vm-lost' || status.state === 'off') return SHARE_OFF;
  switch (event.kind) {
    case 'changed':
      return { state: 'mounting', failures: 0 };
    case 'host-problem': {
      const { state, reason, remedy } = event.problem;
      return failed(status, state, { step: 'host', reason, remedy });
    }
    case 'mount-ended': {
      // Mounted is not yet healthy: the first look at it decides.
      if (event.outcome.ok) return status;
      const { state, failure } = failureOfMount(event.outcome, name);
      return failed(status, state, failure);
    }
    case 'health': {
      if (event.health.kind === 'mounted') return { state: 'healthy', failures: 0 };
      // A mount that is only absent is made again at once.
      if (event.health.kind === 'absent') return { state: 'mounting', failures: status.failures };
      const { state, failure } = failureOfHealth(event.health.errno, name);
      return failed(status, state, failure);
    }
    case 'vm-silent':
      return failed(status, 'unreachable', {
        step: 'vm',
        reason: `the VM does not answer for ${name}: ${event.reason}`,
        remedy: 'mobyvm keeps trying. If it takes longer than a minute, run `mobyvm restart`.',
      });
  }
}

function failed(before: ShareStatus, state: ShareState, failure: ShareFailure): ShareStatus {
  return { state, failure, failures: before.failures + 1 };
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/** Accounts are locked after too many wrong passwords; a new password is tried at once. */
const LOGIN_RETRY_MS = 120_000;

/** How long until the next attempt: a share heals within seconds once the cause is gone. */
export function retryAfterMs({ state, failure, failures }: ShareStatus): number {
  if (state === 'needs-credentials' && failure?.step !== 'host') return LOGIN_RETRY_MS;
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(10, Math.max(0, failures - 1)));
}

/** Attempts after which `up` no longer waits for a server that does not answer. */
const GIVE_UP_AFTER = 3;

/** Whether `up` may continue: the share works, or another attempt is unlikely to help. */
export function isSettled({ state, failures }: ShareStatus): boolean {
  switch (state) {
    case 'off':
    case 'healthy':
    case 'needs-credentials':
    case 'refused':
    case 'removed':
      return true;
    case 'mounting':
    case 'unreachable':
      return failures >= GIVE_UP_AFTER;
  }
}
