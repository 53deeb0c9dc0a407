/** A question of `mobyvm diagnose`, which never changes anything. */
export interface Probe {
  /** Kebab-case, stable; the name of its file in the bundle. */
  readonly id: string;
  readonly title: string;
  readonly group: ProbeGroup;
  /** It is given up after that. */
  readonly seconds: number;
  /** Probes of one lane are made one after the other; those without one at the same time. */
  readonly lane?: string;
  /** @throws anything: the reason becomes the probe's outcome */
  look(signal: AbortSignal): Promise<Evidence>;
}

export const PROBE_GROUPS = [
  'summary',
  'vm',
  'engine',
  'network',
  'names',
  'shares',
  'host',
  'files',
  'logs',
] as const;
export type ProbeGroup = (typeof PROBE_GROUPS)[number];

/** What a probe found: text as it is, or data; or why there cannot be anything. */
export type Evidence = { readonly text: string } | { readonly data: unknown } | { readonly absent: string };

/**
 * - `ok`: it has evidence
 * - `absent`: there is nothing to be seen, for a known reason
 * - `failed`: the reason is evidence, too
 * - `late`: it did not answer in time
 */
export type Verdict = 'ok' | 'absent' | 'failed' | 'late';

export interface Outcome {
  readonly id: string;
  readonly title: string;
  readonly group: ProbeGroup;
  readonly verdict: Verdict;
  readonly durationMs: number;
  /** Why there is no evidence; empty if there is. */
  readonly reason: string;
  readonly evidence: { readonly text: string } | { readonly data: unknown } | undefined;
}
