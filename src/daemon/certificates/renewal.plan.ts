/** The validity period of a certificate, in milliseconds since 1970. */
export interface ValidityPeriod {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The certificates found. Undefined means missing, damaged, or not matching the others. */
export interface FoundCertificates {
  /** `machineId` is the one in its subject; undefined if it names none. */
  readonly authority: (ValidityPeriod & { readonly machineId: string | undefined }) | undefined;
  /** Issued by this authority, for the engine. */
  readonly server: ValidityPeriod | undefined;
  /** Issued by this authority, for the daemon. */
  readonly client: ValidityPeriod | undefined;
}

/** `reason` is a clause for the log, for example `the server certificate expires soon`. */
export type Renewal =
  | { readonly kind: 'keep' }
  | { readonly kind: 'renew leafs'; readonly reason: string }
  /** This also renews the leaf certificates. */
  | { readonly kind: 'new authority'; readonly reason: string };

/**
 * Certificates are renewed this long before they expire, so that a machine that runs for weeks keeps valid
 * ones.
 */
const RENEW_BEFORE_MS = 30 * 86_400_000;

/** Decides which certificates of a machine to create or renew, and why. */
export function planRenewal(found: FoundCertificates, machineId: string, nowMs: number): Renewal {
  const { authority, server, client } = found;
  if (authority === undefined) return { kind: 'new authority', reason: 'the authority is not usable' };
  if (authority.machineId !== machineId) {
    return { kind: 'new authority', reason: 'the authority belongs to another machine' };
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
  // The clock was wrong when it was created, or is wrong now; the peers use the same clock.
  if (nowMs < notBeforeMs) return 'is not valid yet';
  if (nowMs >= notAfterMs) return 'has expired';
  if (nowMs >= notAfterMs - RENEW_BEFORE_MS) return 'expires soon';
  return undefined;
}
