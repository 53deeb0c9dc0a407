import type { RequestHead, ResponseHead } from './http/head.codec.js';
import type { Refusal } from './refusal.plan.js';

/** What the endpoint does to some of the Engine API's messages; see api/. Pure of connections, so that it can be tested alone. */
export interface ApiRules {
  /** Undefined for most requests: they and their responses pass byte for byte. */
  planFor(head: RequestHead): ApiPlan | undefined;
}

export interface ApiPlan {
  /** Gets the whole body. Returns undefined to send it as it came. */
  readonly rewriteRequest?: ((body: Buffer) => Promise<Rewriting>) | undefined;
  /** Before the request is sent: a refusal if it must not be. */
  readonly check?: ((ask: AskEngine) => Promise<Refusal | undefined>) | undefined;
  /** What to do with the body of such a response; undefined if nothing. */
  readonly rewriteResponse?: ((response: ResponseHead) => BodyEdit | undefined) | undefined;
}

export type Rewriting =
  | undefined
  | { readonly kind: 'rewritten'; readonly body: Uint8Array }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Returns undefined to leave the body as it came. */
export type BodyEdit = (body: Buffer) => Uint8Array | undefined;

/** GETs something of the engine; undefined when there is no good answer in time. */
export type AskEngine = (target: string) => Promise<Buffer | undefined>;
