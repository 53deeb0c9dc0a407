import { oversized, refuseTooLarge, type HostSize } from '../settings/host-limits.plan.js';
import type { Settings } from '../settings/schema.js';
import { textOf } from '../../core/values/index.js';
import { fine, notice, problem, type Judgement } from './finding.js';

const MIB = 1024 ** 2;
/** With less, a guest stalls at its first start, before its engine answers. */
const LEAST_FREE_BYTES = 128 * MIB;
/** A few images fill it. */
const LITTLE_FREE_BYTES = 2048 * MIB;

export interface HostMemory extends HostSize {
  /** What programs can still get without swapping; undefined if another check judges that. */
  readonly availableMiB: number | undefined;
  /** The VM runs, so its memory is already in use. */
  readonly isVmUp: boolean;
}

export function judgeSize(settings: Pick<Settings, 'vm'>, host: HostMemory): Judgement {
  const { cpus, memoryMiB } = settings.vm;
  try {
    refuseTooLarge(settings, host);
  } catch (error) {
    return problem(withoutPeriod(textOf(error)), 'Lower vm.memoryMiB in the settings.');
  }
  if (!host.isVmUp && host.availableMiB !== undefined && memoryMiB > host.availableMiB)
    return notice(
      `the VM may use ${memoryMiB} MiB, but only ${host.availableMiB} of ${host.memoryMiB} MiB are available`,
      'Lower vm.memoryMiB or free some memory: a host without memory kills programs, the VM included.',
    );
  const remark = oversized(settings, host);
  if (remark !== undefined) return notice(withoutPeriod(remark), 'Lower vm.cpus in the settings.');
  return fine(`${memoryMiB} of ${host.memoryMiB} MiB, ${cpus} of ${host.processors} processors`);
}

export function judgeDisk({ vm }: Pick<Settings, 'vm'>, folder: string, freeBytes: number): Judgement {
  const free = `${sizeText(freeBytes)} free in ${folder}`;
  if (freeBytes < LEAST_FREE_BYTES)
    return problem(`${free}: too little to start`, 'Free some space, or move MOBYVM_STATE_DIR elsewhere.');
  return freeBytes < LITTLE_FREE_BYTES
    ? notice(
        `${free}; the data disk grows as images and containers use space`,
        'Free some space: when the disk is full the VM pauses until there is space again.',
      )
    : fine(`${free}; the data disk uses up to ${vm.diskGiB} GiB`);
}

function sizeText(bytes: number): string {
  const mib = Math.floor(bytes / MIB);
  return mib < 10_240 ? `${mib} MiB` : `${Math.floor(mib / 1024)} GiB`;
}

function withoutPeriod(sentence: string): string {
  return sentence.replace(/\.$/, '');
}
