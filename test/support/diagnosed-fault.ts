import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hostReport } from '../../src/protocol/messages.js';
import { unzip } from './unzip.js';

const PAGE = join(import.meta.dirname, '../../docs/faults.md');
/** What `mobyvm diagnose` promises. */
const MAX_DURATION_MS = 60_000;

const results = z.object({
  durationMs: z.number(),
  probes: z.array(
    z.object({ id: z.string(), verdict: z.string(), reason: z.string(), file: z.string().nullable() }),
  ),
});

/** The ids of the evidence that docs/faults.md names. @param fault as in its first column */
export function evidenceOf(fault: string, page = readFileSync(PAGE, 'utf8')): readonly string[] {
  const row = page.split('\n').find((line) => line.split('|')[1]?.trim() === fault);
  const ids = [...(row?.split('|')[4] ?? '').matchAll(/`([^`]+)`/g)].map(([, id = '']) => id);
  if (ids.length === 0) throw new TypeError(`docs/faults.md names no evidence of "${fault}"`);
  return ids;
}

/**
 * What is wrong with a diagnosis of a fault: `doctor` in it must name that finding first, the evidence must have been
 * collected, and within the time that `mobyvm diagnose` promises.
 * @param id of the finding
 */
export async function flawsOfDiagnosis(
  path: string,
  { id, evidence }: { readonly id: string; readonly evidence: readonly string[] },
): Promise<readonly string[]> {
  const files = unzip(await readFile(path));
  const { durationMs, probes } = results.parse(JSON.parse(files.get('results.json') ?? ''));
  const doctor = files.get('evidence/doctor.json') ?? '[]';
  const [first] = hostReport.parse({ findings: JSON.parse(doctor) as unknown }).findings;
  const flaws = [...evidence, 'doctor'].flatMap((wanted) => {
    const { verdict, reason, file } = probes.find((each) => each.id === wanted) ?? {};
    const isThere = verdict === 'ok' && typeof file === 'string' && (files.get(file) ?? '') !== '';
    return isThere ? [] : [`${wanted}: ${verdict ?? 'not asked'} ${reason ?? ''}`];
  });
  if (first?.id !== id || first.verdict !== 'problem')
    flaws.push(`doctor says first: ${JSON.stringify(first)}`);
  if (durationMs >= MAX_DURATION_MS) flaws.push(`it took ${durationMs} ms`);
  return flaws;
}
