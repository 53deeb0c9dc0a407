import type { ManagedResource } from '../../core/host/index.js';
import type { Change } from '../../core/values/index.js';
import type { Repair } from '../machine/machine-status.js';
import { fine, notice, problem, type Finding, type Judgement } from './finding.js';
import { lookAtAll } from './look.js';

export interface ResourceFindingsOptions {
  /** The machine's resource list, in the order of `up`. */
  readonly resources: readonly ManagedResource[];
  /** The VM is up, or was brought up by a daemon that is gone. */
  readonly isUp: boolean;
  /** What the periodic check repaired, oldest first. */
  readonly repairs?: readonly Repair[];
  /** Milliseconds since 1970. */
  readonly nowMs?: number;
  readonly signal: AbortSignal;
}

/** For each: on Windows PowerShell is asked, one question after the other. */
const SECONDS = 40;
/** How long a repair is worth telling. */
const RECENT_MS = 3_600_000;
const ABSENT = fine('not set up');

/** What `up` would change of the machine's own resources: each is observed and planned, none is changed. */
export async function resourceFindings({
  resources,
  isUp,
  repairs = [],
  nowMs = Date.now(),
  signal,
}: ResourceFindingsOptions): Promise<readonly Finding[]> {
  const looks = resources
    .filter(({ isRepaired }) => isRepaired)
    .map((resource) => ({
      id: resource.id,
      title: resource.title,
      look: async (within: AbortSignal): Promise<Judgement> => {
        const change = await resource.plan({ signal: within, progress: () => undefined });
        const repair = repairs.findLast(
          (each) => each.id === resource.id && Date.parse(each.at) > nowMs - RECENT_MS,
        );
        return change.kind === 'none' && repair !== undefined ? repaired(repair) : judgeChange(change, isUp);
      },
    }));
  const findings = await lookAtAll(looks, { seconds: SECONDS, signal });
  // A machine that is down has none of them, which is nothing to report.
  return findings.filter(({ detail }) => detail !== ABSENT.detail);
}

function repaired({ at, problem: what }: Repair): Judgement {
  return notice(
    `repaired at ${at}: it was ${what}`,
    'Find out which program changed it, and tell it to leave what mobyvm sets up alone.',
  );
}

function judgeChange(change: Change, isUp: boolean): Judgement {
  const changed = (detail: string): Judgement =>
    isUp
      ? {
          ...problem(
            detail,
            'The daemon repairs it within 30 seconds, `mobyvm doctor --fix` at once; `mobyvm status` shows the repair.',
          ),
          isFixable: true,
        }
      : notice(detail, '`mobyvm up` repairs it, `mobyvm down` removes it.');
  switch (change.kind) {
    case 'none':
      return fine(isUp ? 'as set up by mobyvm' : 'left by an earlier daemon');
    case 'create':
      return isUp ? changed('missing') : ABSENT;
    case 'update':
      return changed(`changed: ${change.fields.join(', ')}`);
    case 'replace':
      return changed(change.reason);
  }
}
