import { failedError } from './kvp-errors.js';

/**
 * Runs a whole operation within a time.
 * @throws MobyvmError MOBYVM_KVP_FAILED when the time is over; the signal's reason when that came first
 */
export async function withinSeconds<T>(
  seconds: number,
  what: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), seconds * 1_000);
  try {
    return await work(AbortSignal.any([signal, deadline.signal]));
  } catch (error) {
    signal.throwIfAborted();
    if (deadline.signal.aborted) throw failedError(`${what} did not end within ${seconds} s.`, error);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
