import { bytesText } from '../../format.js';
import type { MachineStatus } from '../../messages.js';

const KIB = 1_024;
/** From then on the engine may fail for want of space. */
const NEARLY_FULL = 0.9;

interface DiskBarProps {
  /** What the guest has reported; nothing while it is off. */
  readonly disk: NonNullable<MachineStatus['guest']>['disk'];
  /** What the file takes on this host. */
  readonly takenBytes: number | undefined;
}

/** How full the data disk is, and what it takes on the host: space is given back with a delay. */
export function DiskBar({ disk, takenBytes }: DiskBarProps) {
  const taken = takenBytes === undefined ? undefined : `${bytesText(takenBytes)} taken on this host`;
  if (disk === undefined || disk.totalKiB === 0)
    return taken === undefined ? null : <p class="muted">Data disk: {taken}</p>;
  const { totalKiB, freeKiB, files, freeFiles } = disk;
  const used = 1 - freeKiB / totalKiB;
  const usedFiles = files === 0 ? 0 : 1 - freeFiles / files;
  const isNearlyFull = used > NEARLY_FULL || usedFiles > NEARLY_FULL;
  const usedText = `${bytesText((totalKiB - freeKiB) * KIB)} of ${bytesText(totalKiB * KIB)} used`;
  return (
    <figure class={isNearlyFull ? 'disk full' : 'disk'}>
      <figcaption>
        Data disk: {usedText} ({Math.round(used * 100)} %)
        {usedFiles > used && usedFiles > NEARLY_FULL && `, ${Math.round(usedFiles * 100)} % of its files`}
      </figcaption>
      <div class="bar" role="img" aria-label={`Data disk: ${usedText}`}>
        <div style={{ width: `${Math.max(used * 100, 0.5)}%` }} />
      </div>
      {taken !== undefined && <small>{taken}</small>}
    </figure>
  );
}
