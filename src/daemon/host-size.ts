import { availableParallelism, totalmem } from 'node:os';
import type { HostSize } from './settings/host-limits.plan.js';

/** Of the machine that we run on. */
export function hostSize(): HostSize {
  return { memoryMiB: Math.floor(totalmem() / 1024 ** 2), processors: availableParallelism() };
}
