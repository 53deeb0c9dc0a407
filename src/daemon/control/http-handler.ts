import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Logger } from '../../core/host/index.js';
import { MobyvmError, reportOf, textOf } from '../../core/values/index.js';
import { endpointFor, RequestError, type Endpoint } from './endpoint.js';

/** No request has a larger body. */
const MAX_BODY_BYTES = 64 * 1024;

/** Answers requests with what the endpoints say: JSON, or `{error}` and a status from 400 on. */
export function answerWith(endpoints: readonly Endpoint[], logger: Logger): RequestListener {
  return (request, response) => {
    void answer(endpoints, request, response).catch((error: unknown) => {
      const { code } = reportOf(error);
      logger.warn('control.request.failed', { code, reason: textOf(error) });
      sendError(response, error);
    });
    const [path] = (request.url ?? '').split('?', 1);
    logger.debug('control.request.received', { route: `${request.method ?? ''} ${path ?? ''}` });
  };
}

async function answer(
  endpoints: readonly Endpoint[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const { found, params } = endpointFor(endpoints, request.method ?? '', path);
  const body = async (): Promise<unknown> => jsonOf(await bodyOf(request));
  sendJson(response, found.route.status, await found.answer({ params, body, signal: untilGone(response) }));
}

export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else sendJson(response, statusOf(error), { error: reportOf(error) });
}

function statusOf(error: unknown): number {
  if (error instanceof MobyvmError && 'status' in error && typeof error.status === 'number')
    return error.status;
  return error instanceof MobyvmError && error.code !== 'MOBYVM_BUG' ? 409 : 500;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    ...(status === 413 ? { Connection: 'close' } : {}),
  });
  response.end(text);
}

function untilGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

/** The rest of a body that is too large is not read, so the connection cannot be used again. */
function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= MAX_BODY_BYTES) return;
      request.pause();
      reject(new RequestError(413, 'The request is too large.'));
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError(400, 'The body of the request is not JSON.');
  }
}
