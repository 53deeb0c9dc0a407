import { setTimeout as delay } from 'node:timers/promises';
import { MobyvmError, textOf, type ErrorCode } from '../values/index.js';

/** Sleeps; an aborted signal ends it at once with the signal's reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** Something that must become true before work can go on, with what to say when it does not. */
export interface Requirement {
  /** Continues the sentence "waiting for …", for example "the guest's DHCP request". */
  readonly title: string;
  /** Resolves to true when it holds. May throw: the last reason is kept for the message. */
  check(signal: AbortSignal): Promise<boolean>;
  readonly timeoutSeconds: number;
  /** What the user can look at or do when it never holds. */
  readonly hint: string;
  readonly code?: ErrorCode;
  /** Throws when waiting longer is pointless (the VM is gone). */
  giveUp?(): void;
  /** Milliseconds between checks; 250 if absent. */
  readonly everyMs?: number;
}

/**
 * Polls until the requirement holds.
 * @throws MobyvmError with the requirement's code (MOBYVM_TIMEOUT if it has none) when its time is over.
 */
export async function waitFor(requirement: Requirement, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + requirement.timeoutSeconds * 1000;
  let lastReason: unknown;
  for (;;) {
    signal.throwIfAborted();
    requirement.giveUp?.();
    const remainingMs = deadline - performance.now();
    if (remainingMs <= 0) throw timedOut(requirement, lastReason);
    try {
      if (await requirement.check(AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(remainingMs))])))
        return;
      lastReason = undefined;
    } catch (error) {
      signal.throwIfAborted();
      lastReason = error;
    }
    await sleep(Math.min(requirement.everyMs ?? 250, Math.max(deadline - performance.now(), 0)), signal);
  }
}

function timedOut(requirement: Requirement, reason: unknown): MobyvmError {
  const because = reason === undefined ? '' : ` (${textOf(reason)})`;
  return new MobyvmError(
    requirement.code ?? 'MOBYVM_TIMEOUT',
    `Waited ${requirement.timeoutSeconds} s for ${requirement.title}${because}.`,
    requirement.hint,
    { cause: reason },
  );
}
