import type { PortKey } from './port-request.js';

/** A port that is held open, or should be. */
export interface HeldPort {
  readonly key: PortKey;
  /** The engine has listed its container. */
  readonly wasListed: boolean;
  /** When the guest's control connection for it was lost; undefined while there is one. */
  readonly lostAtMs: number | undefined;
}

export interface AuditFacts {
  readonly held: readonly HeldPort[];
  /** The ports that the engine's running containers publish. */
  readonly listed: ReadonlySet<PortKey>;
  /** When the list was requested. */
  readonly askedAtMs: number;
  /** When ports were released, for recent releases. */
  readonly releasedAtMs: ReadonlyMap<PortKey, number>;
}

export interface AuditPlan {
  readonly open: readonly PortKey[];
  readonly close: readonly PortKey[];
}

/** How long the guest may take to come back for the port of a container that the engine has not listed yet. */
const RECONNECTING_MS = 15_000;
/** A stopping container is still listed for a while after it has released its ports. */
const STOPPING_MS = 30_000;

/**
 * What to change so that the host's listeners match the engine's list. Events after the list was requested
 * take precedence over it. A port whose connection exists is kept, listed or not: its container's ports are
 * requested before the engine lists it, and a container may take minutes to start.
 */
export function planAudit({ held, listed, askedAtMs, releasedAtMs }: AuditFacts): AuditPlan {
  const present = new Set(held.map(({ key }) => key));
  return {
    open: [...listed].filter(
      (key) =>
        !present.has(key) && (releasedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) + STOPPING_MS < askedAtMs,
    ),
    close: held
      .filter(
        ({ key, wasListed, lostAtMs }) =>
          !listed.has(key) &&
          lostAtMs !== undefined &&
          lostAtMs + (wasListed ? 0 : RECONNECTING_MS) < askedAtMs,
      )
      .map(({ key }) => key),
  };
}
