/**
 * A signal that aborts with the given one, or with a `TimeoutError` when the time is over. The time may be a fraction, or
 * less than nothing.
 *
 * Node.js collects an `AbortSignal.timeout` as garbage while only a signal of `AbortSignal.any` follows it, so that its
 * time is never over (https://github.com/nodejs/node/issues/57736). One that has a listener is kept.
 */
export function timeLimit(ms: number, signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(Math.max(Math.ceil(ms), 0));
  limit.addEventListener('abort', () => undefined, { once: true });
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}
