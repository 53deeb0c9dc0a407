/** The part of an inspected container that decides whether it waits for a share. */
export interface StoppedContainer {
  readonly id: string;
  readonly name: string;
  /** `exited`, `created` … */
  readonly status: string;
  /** Why its last start failed; empty if it did not. */
  readonly error: string;
  readonly restartPolicy: string;
  readonly bindSources: readonly string[];
}

export interface HeldContainer {
  readonly id: string;
  readonly name: string;
  /** What the engine said when it could not be started. */
  readonly reason: string;
}

const RESTARTED: readonly string[] = ['always', 'unless-stopped', 'on-failure'];

/**
 * The containers that the engine should be running and could not start while a share was not mounted. One that a user
 * has stopped has no error, and stays stopped; nor does one wait that has never run: its client got the error.
 * @param points where the share is mounted in the VM
 */
export function heldContainers(
  containers: readonly StoppedContainer[],
  points: readonly string[],
): readonly HeldContainer[] {
  return containers
    .filter(
      ({ status, error, restartPolicy, bindSources }) =>
        status === 'exited' &&
        error !== '' &&
        RESTARTED.includes(restartPolicy) &&
        bindSources.some((source) => points.some((point) => isBelow(source, point))),
    )
    .map(({ id, name, error }) => ({ id, name, reason: error }));
}

/** True for the point itself as well. */
export function isBelow(path: string, point: string): boolean {
  return path === point || path.startsWith(point === '/' ? point : `${point}/`);
}

const MAX_NAMES = 5;

/** A line for `mobyvm status`. @returns undefined if there are none */
export function heldText(shareName: string, held: readonly HeldContainer[]): string | undefined {
  if (held.length === 0) return undefined;
  const names = held.slice(0, MAX_NAMES).map(({ name }) => name);
  const more = held.length > MAX_NAMES ? ` and ${held.length - MAX_NAMES} more` : '';
  return `waiting for share ${shareName}: ${names.join(', ')}${more}`;
}
