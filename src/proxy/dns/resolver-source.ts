import type { Endpoint } from '../endpoint.js';

/** A server that the host asks. */
export interface Upstream extends Endpoint {
  /** Asked only after all others have failed. */
  readonly isLastResort?: boolean;
}

/** How long the host's own resolver waits for an answer. */
export interface Patience {
  /** Per attempt, as `options timeout` in resolv.conf(5). */
  readonly timeoutMs: number;
  /** How often each server is asked, as `options attempts`. */
  readonly attempts: number;
  /** Always over TCP, as `options use-vc`. */
  readonly usesTcp: boolean;
}

/** What the system's resolver does by default: https://man7.org/linux/man-pages/man5/resolv.conf.5.html */
export const DEFAULT_PATIENCE: Patience = { timeoutMs: 5_000, attempts: 2, usesTcp: false };

/**
 * How the host resolves names, as it changes: its servers, its search list, its patience. src/daemon passes
 * the implementation of the platform.
 */
export interface ResolverSource {
  /**
   * The servers for a name, in the order in which the host itself asks them; empty if it has none. Called for
   * each query that is forwarded. A source whose servers do not depend on the name ignores it.
   * @param name in lower case, without the trailing dot
   */
  current(name: string): readonly Upstream[];
  /** The domains in which the host looks for unqualified names, in its order; lower case, no trailing dot. */
  readonly searchDomains: readonly string[];
  readonly patience: Patience;
  /** Called after any of these has changed. Returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  /** Repeatable. */
  close(): Promise<void>;
}
