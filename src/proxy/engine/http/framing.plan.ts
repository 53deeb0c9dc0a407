import { CodecError } from '../../../core/values/index.js';
import { hasWord, valuesOf, type RequestHead, type ResponseHead } from './head.codec.js';

/** Where a message's body ends: RFC 9112 §6.3, https://www.rfc-editor.org/rfc/rfc9112#section-6.3. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** Responses only: the body ends with the connection. */
  | { readonly kind: 'until close' };

const NONE: BodyFraming = { kind: 'none' };
const CHUNKED: BodyFraming = { kind: 'chunked' };
const UNTIL_CLOSE: BodyFraming = { kind: 'until close' };

/**
 * Returns the framing of a request. Rejects whatever two readers could interpret differently, because that is
 * how requests are smuggled: RFC 9112 §11.2, https://www.rfc-editor.org/rfc/rfc9112#section-11.2.
 * @throws CodecError
 */
export function requestFraming(head: RequestHead): BodyFraming {
  const stated = statedFraming(head);
  if (stated?.kind === 'chunked' && head.version !== 'HTTP/1.1') {
    throw new CodecError('Transfer-Encoding', 0, `is not allowed in ${head.version}`);
  }
  return stated ?? NONE;
}

/**
 * Returns the framing of a response to a request with that method.
 * @throws CodecError
 */
export function responseFraming(head: ResponseHead, method: string): BodyFraming {
  if (method === 'HEAD' || head.status < 200 || head.status === 204 || head.status === 304) return NONE;
  return statedFraming(head) ?? UNTIL_CLOSE;
}

/**
 * Whether the connection can be reused: RFC 9112 §9.3, https://www.rfc-editor.org/rfc/rfc9112#section-9.3.
 */
export function isPersistent(head: RequestHead | ResponseHead): boolean {
  if (head.version === 'HTTP/1.1') return !hasWord(head, 'connection', 'close');
  return head.version === 'HTTP/1.0' && hasWord(head, 'connection', 'keep-alive');
}

/**
 * The start of HTTP/2 with prior knowledge: RFC 9113 §3.4,
 * https://www.rfc-editor.org/rfc/rfc9113#section-3.4.
 */
export function isHttp2Preface(head: RequestHead): boolean {
  return head.method === 'PRI' && head.target === '*' && head.version === 'HTTP/2.0';
}

const RAW_STREAM = /^application\/vnd\.docker\.(raw|multiplexed)-stream/i;

/**
 * Whether raw bytes follow the response both ways: after 101, and after the 200 to attach and exec start if
 * the client did not ask for an upgrade ("Hijacking" in
 * https://docs.docker.com/reference/api/engine/version/v1.51/#tag/Container/operation/ContainerAttach).
 */
export function becomesRawStream(request: RequestHead, response: ResponseHead): boolean {
  if (response.status === 101) return true;
  return (
    response.status === 200 &&
    request.method === 'POST' &&
    valuesOf(response, 'content-type').some((type) => RAW_STREAM.test(type)) &&
    statedFraming(response) === undefined
  );
}

function statedFraming(head: RequestHead | ResponseHead): BodyFraming | undefined {
  let length: string | undefined;
  let encoding: string | undefined;
  for (const { lower, value } of head.fields) {
    if (lower === 'content-length') {
      if (length !== undefined) throw new CodecError('Content-Length', 0, 'is repeated');
      length = value;
    } else if (lower === 'transfer-encoding') {
      if (encoding !== undefined) throw new CodecError('Transfer-Encoding', 0, 'is repeated');
      encoding = value;
    }
  }
  if (encoding !== undefined) {
    if (length !== undefined)
      throw new CodecError('Content-Length', 0, 'is not allowed with Transfer-Encoding');
    if (encoding.toLowerCase() !== 'chunked') {
      throw new CodecError('Transfer-Encoding', 0, 'is not "chunked"');
    }
    return CHUNKED;
  }
  if (length === undefined) return undefined;
  if (!/^\d{1,15}$/.test(length)) throw new CodecError('Content-Length', 0, 'is not a number of bytes');
  const bytes = Number(length);
  return bytes === 0 ? NONE : { kind: 'length', bytes };
}
