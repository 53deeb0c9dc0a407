import type { ErrorReport } from '../../core/values/index.js';

/** A response that mobyvm sends instead of the engine. */
export interface Refusal {
  readonly status: 400 | 408 | 413 | 431 | 500 | 501 | 502 | 503 | 505;
  /** What `docker` prints after "Error response from daemon: ". */
  readonly message: string;
}

/** In characters. Messages may quote the guest, which is not trusted, so they are truncated. */
const MAX_MESSAGE_CHARS = 2_000;

export const STOPPED: Refusal = { status: 503, message: 'mobyvm is stopped. Start it with `mobyvm up`.' };

export const TOO_MANY_CONNECTIONS: Refusal = {
  status: 503,
  message: 'mobyvm has too many open connections to the Docker Engine. Close some clients and try again.',
};

export function startingRefusal(step: string): Refusal {
  return { status: 503, message: printable(`mobyvm is starting: ${step}`) };
}

export function tooManyWaitingRefusal(step: string, waiting: number): Refusal {
  return {
    status: 503,
    message: printable(
      `mobyvm is starting: ${step} (${waiting} requests are already waiting, try again later)`,
    ),
  };
}

export function startFailedRefusal(error: ErrorReport): Refusal {
  return {
    status: 503,
    message: printable(`mobyvm is not running: ${sentences(error.message, error.remedy)} [${error.code}]`),
  };
}

/** @param remedy what the user can do; may be empty */
export function unreachableRefusal(reason: string, remedy: string): Refusal {
  return {
    status: 502,
    message: printable(`mobyvm cannot reach the Docker Engine in the VM: ${sentences(reason, remedy)}`),
  };
}

/** The engine closed a connection on which it had a request. */
export function engineLostRefusal(problem: string): Refusal {
  return unreachableRefusal(
    `${problem}.`,
    'Try again. If it happens again, see `mobyvm status` and `mobyvm logs`.',
  );
}

export const NO_MEMORY: Refusal = {
  status: 503,
  message: 'mobyvm: too many large requests at the same time. Try again.',
};

/** With the statuses that the engine's own server uses. */
export const UNKNOWN_ENCODING: Refusal = {
  status: 501,
  message: 'mobyvm: the only Transfer-Encoding is "chunked".',
};

export const UNKNOWN_VERSION: Refusal = {
  status: 505,
  message: 'mobyvm: the only versions of HTTP are 1.0 and 1.1.',
};

export const BODY_TOO_LARGE: Refusal = {
  status: 413,
  message: 'mobyvm: the request body is too large. Requests that contain paths are limited to 16 MiB.',
};

export function malformedRefusal(problem: string): Refusal {
  return { status: 400, message: printable(`mobyvm: invalid HTTP request: ${problem}`) };
}

/** Why a request's head is not complete. */
export type HeadFate =
  | { readonly kind: 'too large' | 'too slow' | 'no memory' }
  | { readonly kind: 'malformed'; readonly problem: string }
  | { readonly kind: 'ended'; readonly isPartial: boolean };

/** The response to an incomplete head; undefined if the client has sent nothing. */
export function badHeadRefusal(fate: HeadFate): Refusal | undefined {
  switch (fate.kind) {
    case 'malformed':
      return malformedRefusal(fate.problem);
    case 'too large':
      return { status: 431, message: 'mobyvm: the request head is too large.' };
    case 'no memory':
      return NO_MEMORY;
    case 'too slow':
      return { status: 408, message: 'mobyvm: the request head did not arrive in time.' };
    case 'ended':
      return fate.isPartial ? malformedRefusal('it ends within its head') : undefined;
  }
}

function sentences(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

/** Removes control characters: a step may contain a line of the guest's console. */
function printable(text: string): string {
  const clean = text.replaceAll(/[^\P{Cc}\n]/gu, ' ');
  return clean.length > MAX_MESSAGE_CHARS ? `${clean.slice(0, MAX_MESSAGE_CHARS)}…` : clean;
}
