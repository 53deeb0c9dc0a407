import { maskText, maskValue, type MaskOptions } from './mask-secrets.plan.js';
import type { Outcome } from './probe.js';

/** An outcome whose secrets are masked, with the file of the bundle that has its evidence. */
export interface Reported extends Omit<Outcome, 'evidence'> {
  /** Undefined if there is no evidence. */
  readonly file: { readonly name: string; readonly content: string } | undefined;
  /** The evidence, unless it is text. */
  readonly data?: unknown;
}

export function report({ evidence, reason, ...outcome }: Outcome, masks: MaskOptions): Reported {
  const base = { ...outcome, reason: maskText(reason, masks) };
  if (evidence === undefined) return { ...base, file: undefined };
  if ('text' in evidence) {
    return { ...base, file: { name: `evidence/${outcome.id}.txt`, content: maskText(evidence.text, masks) } };
  }
  const data = maskValue(evidence.data, masks);
  return {
    ...base,
    data,
    file: { name: `evidence/${outcome.id}.json`, content: JSON.stringify(data, null, 2) },
  };
}

/** What the bundle is about. */
export interface Subject {
  readonly version: string;
  readonly platform: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly durationMs: number;
}

/** results.json: `format` changes when a program that reads it has to. */
export function resultsJson(subject: Subject, reported: readonly Reported[]): string {
  const probes = reported.map(({ file, ...each }) => ({ ...each, file: file?.name ?? null }));
  return `${JSON.stringify({ format: 1, ...subject, probes }, null, 2)}\n`;
}
