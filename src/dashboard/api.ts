import type { AnyMessage, ApiProblem } from './messages.js';
import { keepToken, takeToken } from './token.js';

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: ApiProblem,
  ) {
    super(problem.message);
  }
}

/** What the daemon answers. The page is the daemon's own, so both know the same messages. */
export async function call<Answer extends AnyMessage>(path: string, body?: object): Promise<Answer> {
  return send(body === undefined ? 'GET' : 'POST', path, body);
}

/** Likewise for a request without a body that changes something. */
export async function command<Answer extends AnyMessage>(path: string): Promise<Answer> {
  return send('POST', path, undefined);
}

/** After a restart of the daemon. @returns whether the page has a valid token now */
export async function renewToken(): Promise<boolean> {
  try {
    keepToken((await command<{ token: string }>('/v1/token')).token);
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

async function send<Answer>(method: string, path: string, body: object | undefined): Promise<Answer> {
  const response = await fetch(path, {
    method,
    headers: {
      Authorization: `Bearer ${takeToken() ?? ''}`,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new ApiError(response.status, (answer as { error: ApiProblem }).error);
  return answer as Answer;
}

export function problemOf(error: unknown): ApiProblem {
  if (error instanceof ApiError) return error.problem;
  return {
    code: '',
    message: 'The daemon does not answer.',
    remedy: 'The page connects again by itself as soon as the daemon runs.',
  };
}
