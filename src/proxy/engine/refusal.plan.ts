import type { ErrorReport } from '../../core/errors.js';

/** An answer that mobyvm gives in the engine's place. */
export interface Refusal {
  readonly status: 400 | 408 | 431 | 502 | 503;
  /** What `docker` prints after "Error response from daemon: ". */
  readonly message: string;
}

/** Messages may quote the guest, which is not trusted: they are cut here. Characters, not bytes. */
const MAX_MESSAGE_CHARS = 2_000;

export const STOPPED: Refusal = { status: 503, message: 'mobyvm is stopped. Start it with `mobyvm up`.' };

export const TOO_MANY_CONNECTIONS: Refusal = {
  status: 503,
  message: 'mobyvm has too many open connections to the Docker Engine. Close some clients, then try again.',
};

export function starting(step: string): Refusal {
  return { status: 503, message: printable(`mobyvm is starting: ${step}`) };
}

export function tooManyWaiting(step: string, waiting: number): Refusal {
  return {
    status: 503,
    message: printable(`mobyvm is starting: ${step} (${waiting} requests wait already, try again later)`),
  };
}

export function startFailed(error: ErrorReport): Refusal {
  return {
    status: 503,
    message: printable(`mobyvm could not start: ${sentences(error.message, error.remedy)} [${error.code}]`),
  };
}

/** @param remedy what the user can do; may be empty */
export function unreachable(reason: string, remedy: string): Refusal {
  return {
    status: 502,
    message: printable(`mobyvm cannot reach the Docker Engine in the VM: ${sentences(reason, remedy)}`),
  };
}

/** What became of the head of a request that is to be refused; `problem` if it is malformed. */
export type HeadFate =
  | { readonly kind: 'head' | 'too large' | 'too slow' | 'nothing' }
  | { readonly kind: 'malformed'; readonly problem: string };

/** What to answer to a request that is to be refused; undefined if there was none. */
export function answerTo(fate: HeadFate, refusal: Refusal): Refusal | undefined {
  switch (fate.kind) {
    case 'head':
      return refusal;
    case 'malformed':
      return { status: 400, message: printable(`mobyvm: this is not an HTTP request: ${fate.problem}`) };
    case 'too large':
      return { status: 431, message: 'mobyvm: the head of the request is too large.' };
    case 'too slow':
      return { status: 408, message: 'mobyvm: the head of the request did not come in time.' };
    case 'nothing':
      return undefined;
  }
}

function sentences(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

/** Nothing that a terminal would obey: a step may hold a line from the guest's console. */
function printable(text: string): string {
  const clean = text.replaceAll(/[^\P{Cc}\n]/gu, ' ');
  return clean.length > MAX_MESSAGE_CHARS ? `${clean.slice(0, MAX_MESSAGE_CHARS)}…` : clean;
}
