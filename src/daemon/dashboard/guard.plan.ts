import { TOKEN_PROTOCOL } from '../../protocol/event-stream.js';

/** What a request to a TCP port says about where it comes from: the values of its fields, as far as it has them. */
export interface RequestOrigin {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header */
  readonly fetchSite: string | undefined;
}

const OWN_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;

/**
 * Why a request is refused whatever it asks for; undefined if it is not. Any web page can send requests to this host, and
 * a page whose name resolves to 127.0.0.1 can even read the answers (DNS rebinding): the former have another origin, the
 * latter another host. Any port is right, because it is another one behind `ssh -L`.
 */
export function foreignReason({ host, origin }: RequestOrigin): string | undefined {
  if (host === undefined || !OWN_HOST.test(host)) return 'it is not addressed to this host';
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`)
    return 'it was sent by another web page';
  return undefined;
}

/** Likewise, of a request for something else than a page. */
export function foreignCallReason(request: RequestOrigin): string | undefined {
  const { fetchSite } = request;
  const isForeign = fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none';
  return isForeign ? 'it was sent by another web page' : foreignReason(request);
}

/** The token that a request carries. Browsers can set no field but the subprotocols of a WebSocket. */
export function tokenIn(
  authorization: string | undefined,
  protocols: string | undefined,
): string | undefined {
  const [, bearer] = /^Bearer ([\w-]{1,200})$/i.exec(authorization ?? '') ?? [];
  if (bearer !== undefined) return bearer;
  return (protocols ?? '')
    .split(',')
    .map((each) => each.trim())
    .find((each) => each.startsWith(TOKEN_PROTOCOL))
    ?.slice(TOKEN_PROTOCOL.length);
}

/** For every response. Nothing may be loaded from elsewhere, framed, or kept. */
export function securityHeaders(host: string): Readonly<Record<string, string>> {
  return {
    'Content-Security-Policy': [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      // Some browsers do not count WebSockets as 'self'.
      `connect-src 'self' ws://${host}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  };
}
