import { setTimeout as delay } from 'node:timers/promises';
import { isTimeout, MobyvmError, textOf, type ErrorCode } from '../values/index.js';
import { timeLimit } from './time-limit.js';

/** Sleeps; rejects at once with the signal's reason when it is aborted. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** A condition that must become true before work can continue, and what to report if it does not. */
export interface Requirement {
  /** Completes the sentence "waiting for …", for example "the guest's DHCP request". */
  readonly title: string;
  /** Resolves to true once the condition holds. May throw; the last error is included in the message. */
  check(signal: AbortSignal): Promise<boolean>;
  readonly timeoutSeconds: number;
  /** What the user can check or do if it never holds. */
  readonly hint: string;
  readonly code?: ErrorCode;
  /** Throws if waiting any longer is pointless (the VM is gone). */
  giveUp?(): void;
  /** Milliseconds between checks; defaults to 250. */
  readonly everyMs?: number;
}

/**
 * Polls until the requirement holds.
 * @throws MobyvmError with the requirement's code, or MOBYVM_TIMEOUT, when the time is up
 */
export async function waitFor(requirement: Requirement, signal: AbortSignal): Promise<void> {
  const timeoutMs = requirement.timeoutSeconds * 1000;
  const deadline = performance.now() + timeoutMs;
  const within = timeLimit(timeoutMs, signal);
  let lastReason: unknown;
  for (;;) {
    signal.throwIfAborted();
    requirement.giveUp?.();
    const remainingMs = deadline - performance.now();
    if (remainingMs <= 0) throw timeoutError(requirement, lastReason);
    try {
      if (await requirement.check(within)) return;
      lastReason = undefined;
    } catch (error) {
      signal.throwIfAborted();
      // That the time is up is no reason why.
      if (!isTimeout(error)) lastReason = error;
    }
    await sleep(Math.min(requirement.everyMs ?? 250, Math.max(deadline - performance.now(), 0)), signal);
  }
}

function timeoutError(requirement: Requirement, reason: unknown): MobyvmError {
  const because = reason === undefined ? '' : ` (${textOf(reason)})`;
  return new MobyvmError(
    requirement.code ?? 'MOBYVM_TIMEOUT',
    `Waited ${requirement.timeoutSeconds} s for ${requirement.title}${because}.`,
    requirement.hint,
    { cause: reason },
  );
}
