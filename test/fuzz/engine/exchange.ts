import { connect } from 'node:net';
import { failWritesAfterReading } from '../../../src/proxy/engine/duplex.js';

/** One response, in a form that can be compared. */
export interface Response {
  readonly status: number;
  /** Without those that change from one response to the next. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** A connection that is not closed after this long is ended: the engine waits for the rest of a request. */
const PATIENCE_MS = 1_500;

/** Sends bytes on a connection of their own and returns everything that comes back. */
export function converse(socketPath: string, bytes: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ path: socketPath, allowHalfOpen: true });
    failWritesAfterReading(socket);
    const end = setTimeout(() => socket.end(), PATIENCE_MS);
    const giveUp = setTimeout(() => socket.destroy(), 10 * PATIENCE_MS);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end());
    // 'close' follows.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(end);
      clearTimeout(giveUp);
      resolve(Buffer.concat(chunks));
    });
    socket.write(bytes);
  });
}

const VOLATILE = /^(?:date|server|connection):/i;

/**
 * Splits what came back. Informational responses are left out: where there are rules, the endpoint asks for the
 * body itself, before the engine has decided. `methods` are those of the requests: the response to HEAD has no
 * body.
 */
export function responsesIn(bytes: Buffer, methods: readonly string[]): readonly Response[] {
  const responses: Response[] = [];
  let text = bytes.toString('latin1');
  while (text !== '') {
    const end = text.indexOf('\r\n\r\n');
    const [line = '', ...fields] = text.slice(0, Math.max(end, 0)).split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(line)?.[1] ?? 0);
    text = end === -1 ? '' : text.slice(end + 4);
    if (status >= 100 && status < 200) continue;
    // The engine's server gives also HEAD a body if it refuses the head.
    const hasBody = methods[responses.length] !== 'HEAD' || !(text === '' || text.startsWith('HTTP/'));
    const { body, rest } = hasBody ? split(fields, text) : { body: '', rest: text };
    text = rest;
    responses.push({ status, fields: fields.filter((field) => !VOLATILE.test(field)), body });
  }
  return responses;
}

function split(fields: readonly string[], text: string): { readonly body: string; readonly rest: string } {
  const length = fields.find((field) => /^content-length:/i.test(field));
  if (length !== undefined) {
    const bytes = Number(length.slice(length.indexOf(':') + 1));
    return { body: text.slice(0, bytes), rest: text.slice(bytes) };
  }
  if (!fields.some((field) => /^transfer-encoding: *chunked$/i.test(field))) return { body: text, rest: '' };
  let body = '';
  for (let at = 0; ;) {
    const end = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, end), 16);
    if (end === -1 || !(size > 0)) return { body, rest: end === -1 ? '' : text.slice(end + 4) };
    body += text.slice(end + 2, end + 2 + size);
    at = end + 4 + size;
  }
}
