/**
 * Runs one piece of work at a time, in the order requested. A caller that is aborted while waiting leaves the
 * queue.
 */
export class SerialQueue {
  #last: Promise<void> = Promise.resolve();

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const before = this.#last;
    const { promise, resolve } = promiseWithResolver();
    this.#last = promise;
    try {
      await abortable(before, signal);
      return await work();
    } finally {
      void before.then(resolve);
    }
  }
}

/**
 * Settles like the promise, or rejects with the signal's reason as soon as it is aborted. The work itself
 * continues.
 */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function promiseWithResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
