import type { ManagedResource, StepContext } from '../../core/host/index.js';
import { MobyvmError, textOf, type Change } from '../../core/values/index.js';
import { fine, notice, problem, unseen, type Finding, type Judgement } from './finding.js';

export interface ResourceFindingsOptions {
  /** The machine's resource list, in the order of `up`. */
  readonly resources: readonly ManagedResource[];
  /** The VM is up, or was brought up by a daemon that is gone. */
  readonly isUp: boolean;
  readonly signal: AbortSignal;
}

/** What `up` would change of the machine's own resources: each is observed and planned, none is changed. */
export async function resourceFindings(options: ResourceFindingsOptions): Promise<readonly Finding[]> {
  const { resources, isUp, signal } = options;
  const findings: Finding[] = [];
  for (const resource of resources.filter(({ isRepaired }) => isRepaired)) {
    const judgement = await judge(resource, isUp, { signal, progress: () => undefined });
    // A machine that is down has none of them, which is nothing to report.
    if (judgement !== undefined) findings.push({ id: resource.id, title: resource.title, ...judgement });
  }
  return findings;
}

async function judge(
  resource: ManagedResource,
  isUp: boolean,
  context: StepContext,
): Promise<Judgement | undefined> {
  try {
    return judgeChange(await resource.plan(context), isUp);
  } catch (error) {
    context.signal.throwIfAborted();
    const text = textOf(error).replace(/\.$/, '');
    return error instanceof MobyvmError && error.remedy !== '' ? problem(text, error.remedy) : unseen(text);
  }
}

function judgeChange(change: Change, isUp: boolean): Judgement | undefined {
  const remedy = isUp
    ? 'The daemon repairs it within 30 seconds, `mobyvm doctor --fix` at once; `mobyvm status` shows the repair.'
    : '`mobyvm up` repairs it, `mobyvm down` removes it.';
  const changed = (detail: string): Judgement => ({
    ...notice(detail, remedy),
    ...(isUp ? { isFixable: true } : {}),
  });
  switch (change.kind) {
    case 'none':
      return fine(isUp ? 'as set up by mobyvm' : 'left by an earlier daemon');
    case 'create':
      return isUp ? changed('missing') : undefined;
    case 'update':
      return changed(`changed: ${change.fields.join(', ')}`);
    case 'replace':
      return changed(change.reason);
  }
}
