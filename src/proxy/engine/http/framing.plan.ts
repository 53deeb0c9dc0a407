import { CodecError } from '../../../core/values/index.js';
import {
  editHead,
  hasWord,
  isAtLeast11,
  valuesOf,
  type RequestHead,
  type ResponseHead,
} from './head.codec.js';

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
/** The longest length that the engine's server can read. */
const MAX_LENGTH = 2n ** 63n - 1n;
export const FRAMING_FIELDS = ['content-length', 'transfer-encoding'] as const;

/**
 * Returns the framing of a request as the engine reads it: chunks win over a length, repeated lengths must be
 * equal, and HTTP/1.0 has no chunks (https://pkg.go.dev/net/http, transfer.go). What two readers could
 * interpret differently is never forwarded as it came: see {@link unambiguousHead}.
 * @throws CodecError
 */
export function requestFraming(head: RequestHead): BodyFraming {
  const encodings = isAtLeast11(head) ? valuesOf(head, 'transfer-encoding') : [];
  if (encodings.length > 0) {
    if (encodings.length > 1 || encodings[0]?.toLowerCase() !== 'chunked')
      throw new CodecError('Transfer-Encoding', 0, 'is not "chunked"');
    return CHUNKED;
  }
  const [length, ...more] = valuesOf(head, 'content-length');
  if (more.some((other) => other !== length))
    throw new CodecError('Content-Length', 0, 'is repeated with another value');
  return length === undefined ? NONE : lengthFraming(length);
}

/** Whether a request's encoding of the body is one that the engine does not implement, which is its own status. */
export function hasUnknownEncoding(head: RequestHead): boolean {
  const encodings = isAtLeast11(head) ? valuesOf(head, 'transfer-encoding') : [];
  return encodings.some((encoding) => encoding.toLowerCase() !== 'chunked') || encodings.length > 1;
}

/**
 * Returns a request's head in the form that every reader understands alike: one statement of the body's
 * length, regular lines. Undefined if it has that form already. RFC 9112 §11.2,
 * https://www.rfc-editor.org/rfc/rfc9112#section-11.2.
 */
export function unambiguousHead(head: RequestHead, framing: BodyFraming): string | undefined {
  const statements = head.fields.filter(({ lower }) => FRAMING_FIELDS.some((each) => each === lower)).length;
  const isIgnored =
    statements > 0 && framing.kind === 'none' && valuesOf(head, 'transfer-encoding').length > 0;
  if (!head.isLoose && statements <= 1 && !isIgnored) return undefined;
  if (statements <= 1 && !isIgnored) return editHead(head, { drop: [], add: [] });
  return editHead(head, { drop: FRAMING_FIELDS, add: statementOf(head, framing) });
}

function statementOf(head: RequestHead, framing: BodyFraming): readonly string[] {
  switch (framing.kind) {
    case 'chunked':
      return ['Transfer-Encoding: chunked'];
    case 'length':
      return [`Content-Length: ${framing.bytes}`];
    case 'none':
    case 'until close':
      return valuesOf(head, 'content-length').length > 0 ? ['Content-Length: 0'] : [];
  }
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
  if (isAtLeast11(head)) return !hasWord(head, 'connection', 'close');
  return head.version === 'HTTP/1.0' && hasWord(head, 'connection', 'keep-alive');
}

/**
 * The start of HTTP/2 with prior knowledge: RFC 9113 §3.4,
 * https://www.rfc-editor.org/rfc/rfc9113#section-3.4.
 */
export function isHttp2Preface(head: RequestHead): boolean {
  return (
    head.method === 'PRI' && head.target === '*' && head.version === 'HTTP/2.0' && head.text.length === 18
  );
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

/** The engine states it once, in one way. */
function statedFraming(head: ResponseHead): BodyFraming | undefined {
  const lengths = valuesOf(head, 'content-length');
  const encodings = valuesOf(head, 'transfer-encoding');
  if (lengths.length + encodings.length > 1)
    throw new CodecError('Content-Length', 0, 'is stated twice, or beside Transfer-Encoding');
  const [encoding] = encodings;
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked')
      throw new CodecError('Transfer-Encoding', 0, 'is not "chunked"');
    return CHUNKED;
  }
  const [length] = lengths;
  return length === undefined ? undefined : lengthFraming(length);
}

function lengthFraming(length: string): BodyFraming {
  if (!/^\d{1,40}$/.test(length) || BigInt(length) > MAX_LENGTH)
    throw new CodecError('Content-Length', 0, 'is not a number of bytes');
  const bytes = Number(length);
  return bytes === 0 ? NONE : { kind: 'length', bytes };
}
