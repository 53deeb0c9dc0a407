import { stat } from 'node:fs/promises';
import { errnoOf, MobyvmError, textOf } from '../core/values/index.js';
import type { FileServer, FileServerPlace } from './file-server.js';
import type { GuestMounts, MountOutcome, MountStep } from './guest-mounts.js';
import { mountOrder } from './mount/mount-order.js';
import type { Share } from './share.js';
import { failureOfHealth, failureOfMount } from './state/share-failure.plan.js';

/** From the folder on the host to a file that the VM reads. */
export const CHECK_STEPS = [
  'folder',
  'server',
  'account',
  'tcp',
  'negotiate',
  'login',
  'tree',
  'mount',
  'probe',
] as const;
export type CheckStep = (typeof CHECK_STEPS)[number];

export interface CheckResult {
  readonly step: CheckStep;
  /** `skipped`: an earlier step failed, or the VM is off. */
  readonly verdict: 'ok' | 'failed' | 'skipped';
  /** What was found; a sentence without its full stop, or empty. */
  readonly detail: string;
  /** What the user can do about a failure, or empty. */
  readonly remedy: string;
}

export interface ShareCheckOptions {
  readonly server: FileServer;
  readonly guest: GuestMounts;
  /** Undefined while the VM is off. */
  readonly place: FileServerPlace | undefined;
  readonly share: Share;
}

type Problem = Pick<CheckResult, 'detail' | 'remedy'>;

const MOUNT_STEPS: readonly MountStep[] = ['tcp', 'negotiate', 'login', 'tree', 'mount'];

/** Walks through all that a share needs, and says at which step it fails and why. */
export async function checkShare(
  options: ShareCheckOptions,
  signal: AbortSignal,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  const { server, place, share } = options;
  const check = async (step: CheckStep, work: () => Promise<Problem | undefined>): Promise<boolean> => {
    const problem = await work().catch((error: unknown) => problemOfError(error, signal));
    results.push(
      problem === undefined
        ? { step, verdict: 'ok', detail: '', remedy: '' }
        : { step, verdict: 'failed', ...problem },
    );
    return problem === undefined;
  };
  const isHostWell =
    (await check('folder', () => folderProblem(share.hostPath))) &&
    place !== undefined &&
    (await check('server', async () => {
      const problem = await server.problemOf(place, share, signal);
      return problem && { detail: problem.reason, remedy: problem.remedy };
    })) &&
    (await check('account', async () => {
      await server.login(share, signal);
      return undefined;
    }));
  if (isHostWell) await checkInVm({ ...options, place }, { results, check, signal });
  const reason = place === undefined ? 'the VM is off' : '';
  const done = new Set(results.map(({ step }) => step));
  for (const step of CHECK_STEPS)
    if (!done.has(step)) results.push({ step, verdict: 'skipped', detail: reason, remedy: '' });
  return results;
}

interface Checking {
  readonly results: CheckResult[];
  readonly check: (step: CheckStep, work: () => Promise<Problem | undefined>) => Promise<boolean>;
  readonly signal: AbortSignal;
}

async function checkInVm(
  { server, guest, share, place }: ShareCheckOptions & { readonly place: FileServerPlace },
  { results, check, signal }: Checking,
): Promise<void> {
  const { id, name } = share;
  let outcome: MountOutcome;
  try {
    outcome = await guest.mount(await mountOrder(server, place, share, signal), signal);
  } catch (error) {
    results.push({ step: 'tcp', verdict: 'failed', ...problemOfError(error, signal) });
    return;
  }
  for (const step of MOUNT_STEPS) {
    if (!outcome.ok && outcome.step === step) {
      const { reason: detail, remedy } = failureOfMount(outcome, name).failure;
      results.push({ step, verdict: 'failed', detail, remedy });
      return;
    }
    results.push({ step, verdict: 'ok', detail: '', remedy: '' });
  }
  await check('probe', async () => {
    const health = await guest.probe(id, signal);
    switch (health.kind) {
      case 'mounted':
        return undefined;
      case 'absent':
        return { detail: `${name} is not mounted in the VM`, remedy: 'Run the check again in some seconds.' };
      case 'broken': {
        const { reason: detail, remedy } = failureOfHealth(health.errno, name).failure;
        return { detail, remedy };
      }
    }
  });
}

async function folderProblem(path: string): Promise<Problem | undefined> {
  try {
    if ((await stat(path)).isDirectory()) return undefined;
    return { detail: `${path} is a file`, remedy: 'Share the folder that it is in.' };
  } catch (error) {
    const errno = errnoOf(error);
    const what =
      errno === 'ENOENT' || errno === 'ENOTDIR' ? 'does not exist' : `cannot be read (${errno ?? '?'})`;
    return { detail: `${path} ${what}`, remedy: 'Create the folder, or make it readable.' };
  }
}

function problemOfError(error: unknown, signal: AbortSignal): Problem {
  signal.throwIfAborted();
  const remedy = error instanceof MobyvmError ? error.remedy : 'See `mobyvm logs`.';
  return { detail: textOf(error).replace(/\.$/, ''), remedy };
}
