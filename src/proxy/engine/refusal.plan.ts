import type { ErrorReport } from '../../core/values/index.js';

/** An answer that mobyvm gives in the engine's place. */
export interface Refusal {
  readonly status: 400 | 408 | 413 | 431 | 500 | 502 | 503;
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
    message: printable(`mobyvm does not run: ${sentences(error.message, error.remedy)} [${error.code}]`),
  };
}

/** @param remedy what the user can do; may be empty */
export function unreachable(reason: string, remedy: string): Refusal {
  return {
    status: 502,
    message: printable(`mobyvm cannot reach the Docker Engine in the VM: ${sentences(reason, remedy)}`),
  };
}

/** The engine closed a connection on which it had a request. */
export function engineWentAway(problem: string): Refusal {
  return unreachable(
    `${problem}.`,
    'Try again; `mobyvm status` says how the VM is, `mobyvm logs` what happened.',
  );
}

export const BODY_TOO_LARGE: Refusal = {
  status: 413,
  message: 'mobyvm: the body of the request is longer than the 16 MiB that one with paths in it may have.',
};

export function malformed(problem: string): Refusal {
  return { status: 400, message: printable(`mobyvm: this is not an HTTP request: ${problem}`) };
}

/** What became of a request's head that did not come whole. */
export type HeadFate =
  | { readonly kind: 'too large' | 'too slow' }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'ended'; readonly isPartial: boolean };

/** What to answer to it; undefined if there was none. */
export function badHead(fate: HeadFate): Refusal | undefined {
  switch (fate.kind) {
    case 'malformed':
      return malformed(fate.problem);
    case 'too large':
      return { status: 431, message: 'mobyvm: the head of the request is too large.' };
    case 'too slow':
      return { status: 408, message: 'mobyvm: the head of the request did not come in time.' };
    case 'ended':
      return fate.isPartial ? malformed('it ends within its head') : undefined;
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
