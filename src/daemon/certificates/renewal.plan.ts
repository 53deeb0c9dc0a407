/** From when to when, in milliseconds since 1970. */
export interface ValidityPeriod {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What is there. Undefined stands for what is not there, is damaged, or does not fit the rest. */
export interface FoundCertificates {
  /** `machineId` is the one in its subject; undefined if there is none. */
  readonly authority: (ValidityPeriod & { readonly machineId: string | undefined }) | undefined;
  /** Issued by this authority for the engine. */
  readonly server: ValidityPeriod | undefined;
  /** Issued by this authority for the daemon. */
  readonly client: ValidityPeriod | undefined;
}

/** `reason` is a clause for the log, for example `the server certificate expires soon`. */
export type Renewal =
  | { readonly kind: 'keep' }
  | { readonly kind: 'renew leafs'; readonly reason: string }
  /** Which renews the leafs as well. */
  | { readonly kind: 'new authority'; readonly reason: string };

/** What expires within this time is renewed, so that a machine which runs on for weeks keeps valid certificates. */
const RENEW_BEFORE_MS = 30 * 86_400_000;

/** Which certificates of a machine to make anew, and why. */
export function planRenewal(found: FoundCertificates, machineId: string, nowMs: number): Renewal {
  const { authority, server, client } = found;
  if (authority === undefined) return { kind: 'new authority', reason: 'the authority is not usable' };
  if (authority.machineId !== machineId) {
    return { kind: 'new authority', reason: 'the authority is of another machine' };
  }
  const outdated = outdatedBecause(authority, nowMs);
  if (outdated !== undefined) return { kind: 'new authority', reason: `the authority ${outdated}` };
  for (const [name, leaf] of [
    ['server', server],
    ['client', client],
  ] as const) {
    const problem = leaf === undefined ? 'is not usable' : outdatedBecause(leaf, nowMs);
    if (problem !== undefined) return { kind: 'renew leafs', reason: `the ${name} certificate ${problem}` };
  }
  return { kind: 'keep' };
}

function outdatedBecause({ notBeforeMs, notAfterMs }: ValidityPeriod, nowMs: number): string | undefined {
  // The clock was wrong when it was made, or is wrong now; peers go by the same clock.
  if (nowMs < notBeforeMs) return 'is not valid yet';
  if (nowMs >= notAfterMs) return 'has expired';
  if (nowMs >= notAfterMs - RENEW_BEFORE_MS) return 'expires soon';
  return undefined;
}
