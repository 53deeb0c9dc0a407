import type { z } from 'zod';
import { MobyvmError } from '../../core/values/index.js';
import { NO_BODY, paramsIn, type Route } from '../../protocol/control-routes.js';
import { version } from '../../protocol/version.js';

/** What a handler gets of a request. */
export interface Call<Params, Body> {
  readonly params: Params;
  readonly body: Body;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
}

export interface RawCall {
  readonly params: Readonly<Record<string, string>>;
  readonly body: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

/** A route and what answers it. */
export interface Endpoint {
  readonly route: Pick<Route<unknown, unknown, unknown>, 'method' | 'path' | 'status'>;
  answer(call: RawCall): Promise<unknown>;
}

/** The request cannot be answered whatever the state of the machine. */
export class RequestError extends MobyvmError {
  constructor(
    /** Of the response. */
    readonly status: 400 | 404 | 409 | 413 | 415,
    message: string,
    remedy = `Use the \`mobyvm\` command of the same version as the daemon (${version}).`,
  ) {
    super('MOBYVM_CONTROL_API', message, remedy);
  }
}

/** Parameters and body are parsed by the route's schemas before the handler sees them. */
export function endpoint<Params, Body, Answer>(
  route: Route<Params, Body, Answer>,
  handle: (call: Call<Params, Body>) => Answer | Promise<Answer>,
): Endpoint {
  return {
    route,
    async answer({ params, body, signal }) {
      const given = parsed(route.params, params, route);
      const content = (route.body as z.ZodType) === NO_BODY ? undefined : await body();
      return handle({ params: given, body: parsed(route.body, content, route), signal });
    },
  };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, { method, path }: Endpoint['route']): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue === undefined || issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
  throw new RequestError(400, `"${method} ${path}" has wrong content (${at}${issue?.message ?? ''}).`);
}

/** @throws RequestError 404 */
export function endpointFor(
  endpoints: readonly Endpoint[],
  method: string,
  path: string,
): { readonly found: Endpoint; readonly params: Readonly<Record<string, string>> } {
  for (const found of endpoints) {
    if (found.route.method !== method) continue;
    const params = paramsIn(found.route.path, path);
    if (params !== undefined) return { found, params };
  }
  throw new RequestError(404, `The control API has no "${method} ${path.slice(0, 200)}".`);
}
