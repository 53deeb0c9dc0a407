/** Why a bind on a drive cannot work now. */
export interface ShareProblem {
  /** A sentence without its full stop: `drive C is not shared with the VM`. */
  readonly reason: string;
  /** What mends it; names a command. */
  readonly remedy: string;
}

/** Whether what is on a drive reaches the VM; the daemon supplies it. */
export interface ShareHealth {
  /** Undefined when a bind of that path works. @param path in the VM, such as `/C/site` */
  problemOf(drive: string, path: string): Promise<ShareProblem | undefined>;
}

/** As long as there are no shares. */
export const noShares: ShareHealth = {
  problemOf: (drive) =>
    Promise.resolve({
      reason: `drive ${drive} is not shared with the VM`,
      remedy:
        'Drives of the host cannot be shared yet: copy the files into a volume or a container (`docker cp`), or build them into the image.',
    }),
};
