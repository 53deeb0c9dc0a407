import { timeLimit } from '../../core/host/index.js';
import { isTimeout, MobyvmError, textOf } from '../../core/values/index.js';
import { problem, unseen, type Finding, type Judgement } from './finding.js';

/** One check: what it is about, and the question. */
export interface Look {
  /** As `Finding` has it. */
  readonly id: string;
  readonly title: string;
  /** @param signal of this check alone, aborted when its time is over */
  readonly look: (signal: AbortSignal) => Judgement | Promise<Judgement>;
}

const GRACE_MS = 1_000;

/** Makes all checks side by side: one that hangs costs its own answer, and nobody else's time. */
export function lookAtAll(
  looks: readonly Look[],
  { seconds, signal }: { readonly seconds: number; readonly signal: AbortSignal },
): Promise<readonly Finding[]> {
  return Promise.all(
    looks.map(async ({ id, title, look }) => ({
      ...{ id, title },
      ...(await judgedWithin(look, seconds, signal)),
    })),
  );
}

/** An error with a remedy is a problem that was found; any other says only that nothing could be found. */
async function judgedWithin(look: Look['look'], seconds: number, signal: AbortSignal): Promise<Judgement> {
  const within = timeLimit(seconds * 1_000, signal);
  // A check whose question went unanswered may have more to say about that.
  const over = timeLimit(seconds * 1_000 + GRACE_MS, signal);
  try {
    return await Promise.race([look(within), rejectionOf(over)]);
  } catch (error) {
    signal.throwIfAborted();
    if (within.aborted || isTimeout(error)) return unseen(`no answer within ${seconds} s`);
    const text = oneLine(error);
    return error instanceof MobyvmError && error.remedy !== '' ? problem(text, error.remedy) : unseen(text);
  }
}

/** For work that does not look at its signal, as a file of a share that hangs. */
export function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const refuse = (): void => reject(signal.reason as Error);
    if (signal.aborted) refuse();
    else signal.addEventListener('abort', refuse, { once: true });
  });
}

/** The message of an error as a clause: one line, without its full stop. */
export function oneLine(error: unknown): string {
  return textOf(error).replaceAll(/\s+/g, ' ').trim().replace(/\.$/, '');
}
