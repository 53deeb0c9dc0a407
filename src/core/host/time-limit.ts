/**
 * A signal that aborts with the given one, or with a `TimeoutError` when the time is over.
 *
 * Node.js collects an `AbortSignal.timeout` as garbage while only a signal of `AbortSignal.any` follows it, so that its
 * time is never over (https://github.com/nodejs/node/issues/57736). One that has a listener is kept.
 */
export function timeLimit(ms: number, signal?: AbortSignal): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  limit.addEventListener('abort', () => undefined, { once: true });
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}
