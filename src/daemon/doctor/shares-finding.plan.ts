import type { CheckResult, ShareStatus } from '../../share/index.js';
import { fine, problem, type Judgement } from './finding.js';

export interface CheckedShare {
  readonly name: string;
  /** As it was when it was looked at last. */
  readonly status: Pick<ShareStatus, 'failure'>;
  /** The check that was just made; undefined if it was not over in time. */
  readonly steps: readonly CheckResult[] | undefined;
}

/** The first share that does not work, and how many others do not. */
export function judgeShares(shares: readonly CheckedShare[]): Judgement {
  const failed = shares.flatMap((each) => {
    const failure = failureOf(each);
    return failure === undefined ? [] : [{ ...failure, name: each.name }];
  });
  const [first] = failed;
  if (first === undefined) return fine(shares.length === 0 ? 'there are none' : `${shares.length} work`);
  const others = failed.length === 1 ? '' : `; ${failed.length - 1} more`;
  return problem(`${first.name}: ${first.reason}${others}`, first.remedy);
}

function failureOf({ status, steps }: CheckedShare): { reason: string; remedy: string } | undefined {
  const step = steps?.find(({ verdict }) => verdict === 'failed');
  if (step !== undefined) return { reason: step.detail, remedy: step.remedy };
  if (steps !== undefined || status.failure === undefined) return undefined;
  return { reason: status.failure.reason, remedy: status.failure.remedy };
}
