import type { PortKey } from './port-request.js';

/** A port that we hold open, or try to. */
export interface HeldPort {
  readonly key: PortKey;
  readonly sinceMs: number;
  /** When the guest's connection for it was lost; undefined while it has one. */
  readonly lostAtMs: number | undefined;
}

export interface AuditFacts {
  readonly held: readonly HeldPort[];
  /** What the engine says its running containers publish. */
  readonly listed: ReadonlySet<PortKey>;
  /** When the engine was asked. */
  readonly askedAtMs: number;
  /** When each port was given back, as far as it is remembered. */
  readonly releasedAtMs: ReadonlyMap<PortKey, number>;
}

export interface AuditPlan {
  readonly open: readonly PortKey[];
  readonly close: readonly PortKey[];
}

/** A container's ports are asked for before the engine lists it as running, and it may take its time to start. */
const STARTING_MS = 60_000;
/** A container that stops is listed for a while after its ports were given back. */
const STOPPING_MS = 30_000;

/** What must change for the host's listeners to be what the engine says. What happened after it was asked counts more. */
export function planAudit({ held, listed, askedAtMs, releasedAtMs }: AuditFacts): AuditPlan {
  const present = new Set(held.map(({ key }) => key));
  return {
    open: [...listed].filter(
      (key) =>
        !present.has(key) && (releasedAtMs.get(key) ?? Number.NEGATIVE_INFINITY) + STOPPING_MS < askedAtMs,
    ),
    close: held
      .filter(({ key, sinceMs, lostAtMs }) => {
        if (listed.has(key)) return false;
        return lostAtMs === undefined ? sinceMs + STARTING_MS < askedAtMs : lostAtMs < askedAtMs;
      })
      .map(({ key }) => key),
  };
}
