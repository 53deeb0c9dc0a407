/** A rule of the Name Resolution Policy Table: names below a domain are asked elsewhere, as with VPNs. */
export interface NameRule {
  /** Lower case. With a leading dot for a domain and what is below it; `.` for all names; else one name. */
  readonly names: readonly string[];
  /** Never empty. */
  readonly servers: readonly string[];
}

/** A rule as the registry has it: https://learn.microsoft.com/openspecs/windows_protocols/ms-gpnrpt */
export interface StoredNameRule {
  readonly names: readonly string[] | undefined;
  /** Separated by semicolons. */
  readonly servers: string | undefined;
  readonly options: number | undefined;
}

/** The flag in ConfigOptions for rules that name servers; others are for DNSSEC and DirectAccess. */
const HAS_SERVERS = 0x8;

/**
 * The rules that name servers.
 * @param policy rules of group policies; if there are any, Windows ignores its own
 */
export function planNameRules(
  policy: readonly StoredNameRule[],
  own: readonly StoredNameRule[],
): readonly NameRule[] {
  return (policy.length > 0 ? policy : own).flatMap(({ names = [], servers = '', options = 0 }) => {
    const addresses = servers.split(/[\s;]+/).filter((each) => each !== '');
    if ((options & HAS_SERVERS) === 0 || addresses.length === 0) return [];
    return [{ names: names.map((name) => name.toLowerCase()), servers: addresses }];
  });
}

/**
 * The servers for a name: of the rule that fits best; undefined if none fits.
 * @param name in lower case, without the trailing dot
 */
export function serversByRule(rules: readonly NameRule[], name: string): readonly string[] | undefined {
  let best: { readonly length: number; readonly servers: readonly string[] } | undefined;
  for (const { names, servers } of rules) {
    for (const each of names) {
      if (fits(each, name) && each.length > (best?.length ?? 0)) best = { length: each.length, servers };
    }
  }
  return best?.servers;
}

function fits(rule: string, name: string): boolean {
  if (!rule.startsWith('.')) return rule === name;
  return rule === '.' || `.${name}`.endsWith(rule);
}
