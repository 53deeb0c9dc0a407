import { sleep } from '../core/host/index.js';
import { isAbort } from '../core/values/index.js';

const LOOK_EVERY_MS = 500;

/** Resolves once `isIdle` has been true at every look for that long, or when the signal is aborted. */
export async function untilIdle(isIdle: () => boolean, forMs: number, signal: AbortSignal): Promise<void> {
  let idleSinceMs: number | undefined;
  try {
    for (;;) {
      const nowMs = performance.now();
      idleSinceMs = isIdle() ? (idleSinceMs ?? nowMs) : undefined;
      if (idleSinceMs !== undefined && nowMs - idleSinceMs >= forMs) return;
      await sleep(Math.min(LOOK_EVERY_MS, forMs), signal);
    }
  } catch (error) {
    if (!isAbort(error)) throw error;
  }
}
