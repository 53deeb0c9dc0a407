import type { Logger } from '../core/host/index.js';
import { clockGap, type ClockReading } from './clock-gap.plan.js';
import type { Supervisor } from './supervisor.js';

/** The guest's clock is to be right within 5 s of the host's waking up. */
const READ_EVERY_MS = 2_000;

export interface HostSleepOptions {
  /** Called when the host has slept, or its clock was set. */
  readonly onWake: () => void;
  /** Announces what a power event says; undefined where there are none. */
  readonly supervisor: Pick<Supervisor, 'onResume'> | undefined;
  readonly logger: Logger;
  /** Both clocks of the host; those of this process if absent. */
  readonly read?: () => ClockReading;
}

/**
 * Notices that the host has slept: by a power event where there are any, and by clocks that disagree. The event may be lost,
 * and the gap may be seen only after it: whoever wakes twice looks twice, which does no harm.
 *
 * @returns ends it
 */
export function watchHostSleep({
  onWake,
  supervisor,
  logger,
  read = readClocks,
}: HostSleepOptions): () => Promise<void> {
  let before = read();
  const timer = setInterval(() => {
    const now = read();
    const gap = clockGap(before, now, READ_EVERY_MS);
    before = now;
    if (gap === undefined) return;
    logger.info('daemon.clock.gap', { kind: gap.kind, ms: gap.ms });
    onWake();
  }, READ_EVERY_MS);
  const unsubscribe = supervisor?.onResume(() => {
    logger.info('daemon.host.resumed');
    onWake();
  });
  return () => {
    clearInterval(timer);
    unsubscribe?.();
    return Promise.resolve();
  };
}

function readClocks(): ClockReading {
  return { wallMs: Date.now(), monotonicMs: performance.now() };
}
