import { diskObstacles, type ReportedDisk } from '../guest/disk-obstacles.plan.js';
import type { MachineStatus } from '../machine/machine-status.js';
import { fine, notice, problem, unseen, type Judgement } from './finding.js';

/** The engine reports whole seconds: less than two may be no difference at all. */
const CLOCK_DOUBT_MS = 2_000;
/** Certificates, tokens and builds begin to fail. */
const CLOCK_OFF_MS = 30_000;
/** Containers fail to write, and the engine to work, somewhat before the last byte. */
const FULL_FREE_PERCENT = 2;

/** Whether there is a VM, and whether it runs on. */
export function judgeVm({ state, vm, error }: Pick<MachineStatus, 'state' | 'vm' | 'error'>): Judgement {
  if (state === 'failed' && error !== undefined) return problem(clause(error.message), error.remedy);
  if (vm.state === 'unknown')
    return problem(
      'does not answer: something has stopped its process, or this host is very busy',
      'Continue the process if you stopped it (`kill -CONT`). If it stays so, `mobyvm down` powers the VM off.',
    );
  if (['stalled', 'crashed', 'paused'].includes(vm.state) && error !== undefined)
    return problem(`${vm.state}: ${clause(error.message)}`, error.remedy);
  return fine(
    vm.state === 'running' ? `running (${vm.accelerator ?? vm.driver})` : `${state}, nothing to check`,
  );
}

/** @param offsetMs how far the guest's clock is ahead of the host's */
export function judgeClock(offsetMs: number | undefined): Judgement {
  if (offsetMs === undefined) return unseen('the engine does not report the time');
  if (Math.abs(offsetMs) < CLOCK_DOUBT_MS) return fine("agrees with this host's");
  const what = `is ${Math.round(Math.abs(offsetMs) / 1000)} s ${offsetMs < 0 ? 'behind' : 'ahead of'} this host's`;
  const judge = Math.abs(offsetMs) < CLOCK_OFF_MS ? notice : problem;
  return judge(
    what,
    'mobyvm sets it within a minute. If it stays so, something in the VM sets it too: stop that, or run `mobyvm restart`.',
  );
}

export function judgeGuestDisk(disk: ReportedDisk | undefined): Judgement {
  if (disk === undefined) return unseen('the VM has not reported it yet');
  const [first] = diskObstacles(disk);
  if (first === undefined) return fine('has enough space');
  const isFull = isUsedUp(disk.freeKiB, disk.totalKiB) || isUsedUp(disk.freeFiles, disk.files);
  return (isFull ? problem : notice)(clause(first.problem), first.remedy);
}

function isUsedUp(free: number, total: number): boolean {
  return total > 0 && free * 100 < total * FULL_FREE_PERCENT;
}

function clause(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
