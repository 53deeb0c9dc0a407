/** Why a bind on a drive does not work. */
export interface ShareProblem {
  /** A sentence without its full stop, such as `drive C is not shared with the VM`. */
  readonly reason: string;
  /** What the user can do, as a sentence. */
  readonly remedy: string;
}

/** Tells whether drives are available in the VM. Supplied by the daemon. */
export interface ShareHealth {
  /** Undefined if a bind of that path works. @param path in the VM, such as `/C/site` */
  problemOf(drive: string, path: string): Promise<ShareProblem | undefined>;
}

/** For as long as mobyvm cannot share drives. */
export const noShares: ShareHealth = {
  problemOf: (drive) =>
    Promise.resolve({
      reason: `drive ${drive} is not shared with the VM`,
      remedy:
        'Sharing drives is not supported yet. Copy the files into a volume or a container with `docker cp`, or add ' +
        'them to the image.',
    }),
};
