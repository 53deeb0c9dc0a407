/** Why a bind on a drive does not work. */
export interface ShareProblem {
  /** A sentence without its full stop, such as `drive C is not shared with the VM`. */
  readonly reason: string;
  /** What the user can do, as a sentence. */
  readonly remedy: string;
}

/** Tells whether a bind's source is available in the VM. Supplied by the daemon. */
export interface ShareHealth {
  /**
   * Undefined if a bind of that path works.
   * @param drive undefined for a path without a drive
   * @param path in the VM, such as `/C/site`
   */
  problemOf(drive: string | undefined, path: string): Promise<ShareProblem | undefined>;
}

/** Without any share. */
export const noShares: ShareHealth = {
  problemOf: (drive) =>
    Promise.resolve(
      drive === undefined
        ? undefined
        : {
            reason: `drive ${drive} is not shared with the VM`,
            remedy: `Share it: mobyvm share add ${drive}`,
          },
    ),
};
