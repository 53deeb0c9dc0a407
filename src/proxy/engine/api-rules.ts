import type { RequestHead, ResponseHead } from './http/head.codec.js';
import type { Refusal } from './refusal.plan.js';

/**
 * How some messages of the Engine API are rewritten; see api/. Knows no connections, so it can be tested
 * alone.
 */
export interface ApiRules {
  /** Undefined for most requests: they and their responses are forwarded byte for byte. */
  planFor(head: RequestHead): ApiPlan | undefined;
}

export interface ApiPlan {
  /** Gets the whole body. Returns undefined to send it unchanged. */
  readonly rewriteRequest?: ((body: Buffer) => Promise<Rewriting>) | undefined;
  /** Called before the request is sent; returns a refusal if it must not be. */
  readonly check?: ((ask: AskEngine) => Promise<Refusal | undefined>) | undefined;
  /** How to edit the body of this response; undefined to forward it unchanged. */
  readonly rewriteResponse?: ((response: ResponseHead) => BodyEdit | undefined) | undefined;
}

export type Rewriting =
  | undefined
  | { readonly kind: 'rewritten'; readonly body: Uint8Array }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Returns undefined to leave the body unchanged. */
export type BodyEdit = (body: Buffer) => Promise<Uint8Array | undefined>;

/** Sends a GET to the engine; undefined if it does not answer 200 in time. */
export type AskEngine = (target: string) => Promise<Buffer | undefined>;
