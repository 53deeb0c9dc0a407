import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { startListening, type Logger } from '../../core/host/index.js';
import { errnoOf, MobyvmError } from '../../core/values/index.js';
import { ROUTES } from '../../protocol/control-routes.js';
import type { ControlApi } from '../control/control-api.js';
import { endpoint } from '../control/endpoint.js';
import { EventStreams, refuseUpgrade } from '../control/event-streams.js';
import { answerWith, sendError } from '../control/http-handler.js';
import type { AccessToken } from './access-token.js';
import {
  foreignCallReason,
  foreignReason,
  securityHeaders,
  tokenIn,
  type RequestOrigin,
} from './guard.plan.js';
import { answerPages, type Pages } from './pages.js';
import { RefusedError } from './refused-error.js';

export interface WebServerOptions {
  readonly api: ControlApi;
  readonly pages: Pages;
  readonly token: AccessToken;
  /** The port to listen on; 0 for any. */
  readonly port: number;
  readonly logger: Logger;
  readonly limits?: Partial<WebLimits>;
}

export interface WebLimits {
  /** From the connection to the end of the head. */
  readonly headMs: number;
  /** From the connection to the end of the request. */
  readonly requestMs: number;
  readonly headBytes: number;
  readonly connections: number;
  readonly streams: number;
}

const LIMITS: WebLimits = {
  headMs: 10_000,
  requestMs: 30_000,
  headBytes: 16 * 1024,
  connections: 64,
  streams: 24,
};

const LOOPBACK = '127.0.0.1';

export interface WebServer {
  readonly port: number;
  /** How many event streams there are: pages that are open. */
  readonly clients: number;
  close(): Promise<void>;
}

/**
 * Serves the control API at a TCP port of the loopback address, to who has the token.
 * @throws MobyvmError MOBYVM_DASHBOARD if the port is in use
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const { api, pages, token, logger } = options;
  const limits = { ...LIMITS, ...options.limits };
  const streams = new EventStreams({ topics: api.topics, logger, maxClients: limits.streams });
  const renew = endpoint(ROUTES.renewToken, () => ({ token: token.value }));
  const call = answerWith([...api.endpoints, renew], logger);
  const server = createServer(
    {
      maxHeaderSize: limits.headBytes,
      headersTimeout: limits.headMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(1_000, limits.headMs),
      keepAliveTimeout: 5_000,
    },
    guarded(token, { call, page: answerPages(pages) }),
  );
  server.maxConnections = limits.connections;
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    const refusal = callRefusal(request, token);
    if (refusal === undefined) streams.accept(request, stream, head);
    else refuseUpgrade(stream, refusal.status, refusal);
  });
  await listen(server, options.port);
  return {
    port: (server.address() as AddressInfo).port,
    get clients() {
      return streams.clients;
    },
    close: async () => {
      await streams.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Listeners {
  readonly call: RequestListener;
  readonly page: RequestListener;
}

function guarded(token: AccessToken, { call, page }: Listeners): RequestListener {
  return (request, response) => {
    for (const [name, value] of Object.entries(securityHeaders(request.headers.host ?? LOOPBACK)))
      response.setHeader(name, value);
    const isCall = request.url?.startsWith('/v1/') ?? false;
    const refusal = isCall ? callRefusal(request, token) : pageRefusal(request);
    if (refusal === undefined) (isCall ? call : page)(request, response);
    else sendError(response, refusal);
  };
}

/** A page may be opened from anywhere, but only by the name of this host. */
function pageRefusal(request: IncomingMessage): RefusedError | undefined {
  const foreign = foreignReason(originOf(request));
  return foreign === undefined ? undefined : new RefusedError(403, foreign);
}

/** Why a call of the control API is refused. */
function callRefusal(request: IncomingMessage, token: AccessToken): RefusedError | undefined {
  const foreign = foreignCallReason(originOf(request));
  if (foreign !== undefined) return new RefusedError(403, foreign);
  const { authorization, 'sec-websocket-protocol': protocols, 'content-type': type } = request.headers;
  const given = tokenIn(authorization, protocols);
  const isExchange = request.method === ROUTES.renewToken.method && request.url === ROUTES.renewToken.path;
  if (!(isExchange ? token.acceptsForExchange(given) : token.accepts(given)))
    return new RefusedError(401, given === undefined ? 'it has no token' : 'its token is not valid');
  // Forms can send other types without being asked; this one needs a preflight, which is never answered.
  const hasBody =
    request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  const isEmpty = request.headers['content-length'] === '0';
  if (hasBody && !isEmpty && !/^application\/json\s*(;|$)/i.test(type ?? ''))
    return new RefusedError(415, 'its body is not JSON');
  return undefined;
}

function originOf({ headers }: IncomingMessage): RequestOrigin {
  const site = headers['sec-fetch-site'];
  return {
    host: headers.host,
    origin: headers.origin,
    fetchSite: Array.isArray(site) ? site.join() : site,
  };
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    await startListening(server, { host: LOOPBACK, port });
  } catch (error) {
    throw new MobyvmError(
      'MOBYVM_DASHBOARD',
      `The dashboard cannot listen on ${LOOPBACK}:${port} (${errnoOf(error) ?? 'unknown error'}).`,
      'Set dashboard.port to another port, or to "auto".',
      { cause: error },
    );
  }
}
