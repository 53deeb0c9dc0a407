/** How long the end of a daemon may take, when it is not a person who waits for it. */
export interface EndLimits {
  /** For the save, what precedes it included. */
  readonly saveSeconds: number;
  /** For all that happens to the VM. */
  readonly vmSeconds: number;
  /** The process is killed soon after that, so a shutdown that was wanted from the beginning is limited as well. */
  readonly isStrict: boolean;
}

/** What Windows is told that the service may need at a shutdown. After the VM, the host's side is removed. */
export const SERVICE_END_SECONDS = 300;

/** A guest that could not be saved still gets the 180 s that `vm.stopTimeoutSeconds` has by default. */
export const SERVICE_LIMITS: EndLimits = { saveSeconds: 90, vmSeconds: 270, isStrict: true };

/** Of the 90 s that systemd allows by default (DefaultTimeoutStopSec); nobody tells the daemon whether they apply. */
export const PROCESS_LIMITS: EndLimits = { saveSeconds: 45, vmSeconds: 80, isStrict: false };

/** How long a guest may take to shut down. @param spentSeconds since the daemon was told to end */
export function gracefulSecondsWithin(
  limits: EndLimits | undefined,
  wantedSeconds: number,
  { spentSeconds, hasSaveOverrun }: { readonly spentSeconds: number; readonly hasSaveOverrun: boolean },
): number {
  if (limits === undefined || !(limits.isStrict || hasSaveOverrun)) return wantedSeconds;
  return Math.max(0, Math.min(wantedSeconds, Math.floor(limits.vmSeconds - spentSeconds)));
}
