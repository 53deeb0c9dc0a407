/** How full the data disk is, as the guest reports it (src/kvp/guest/disk-use.codec.ts). */
export interface ReportedDisk {
  readonly totalKiB: number;
  readonly freeKiB: number;
  readonly files: number;
  readonly freeFiles: number;
}

export interface DiskObstacle {
  readonly id: string;
  readonly problem: string;
  readonly remedy: string;
}

/** From here on the user is told, while there is still space to act. */
const FULL_PERCENT = 85;
const KIB_PER_GIB = 1024 ** 2;

/** What is wrong with a disk that is nearly full, by bytes and by files. */
export function diskObstacles({
  totalKiB,
  freeKiB,
  files,
  freeFiles,
}: ReportedDisk): readonly DiskObstacle[] {
  const spacePercent = percentUsed(totalKiB, freeKiB);
  const filesPercent = percentUsed(files, freeFiles);
  return [
    ...(spacePercent < FULL_PERCENT
      ? []
      : [
          {
            id: 'disk.space',
            problem: `The VM's data disk is ${spacePercent} % full: ${gib(freeKiB)} of ${gib(totalKiB)} GiB are free.`,
            remedy:
              'Remove what is not used with `docker system prune`, or raise `vm.diskGiB` and run `mobyvm restart`.',
          },
        ]),
    ...(filesPercent < FULL_PERCENT
      ? []
      : [
          {
            id: 'disk.files',
            problem: `The VM's data disk can hold ${freeFiles} more files: ${filesPercent} % of its inodes are used.`,
            remedy:
              'Remove images, containers and volumes with many files; `docker system df -v` lists them.',
          },
        ]),
  ];
}

/** Rounded up, as df does. */
function percentUsed(total: number, free: number): number {
  return total === 0 ? 0 : Math.ceil(((total - free) * 100) / total);
}

function gib(kib: number): string {
  return (kib / KIB_PER_GIB).toFixed(1);
}
