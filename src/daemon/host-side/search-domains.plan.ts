/** The system's resolver takes any number; what DHCP can carry is limited. */
const MAX_DOMAINS = 32;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * A search list as it is passed on: lower case, no trailing dots, each domain once and in its order. What is
 * not a domain name is left out, as is the root, which adds nothing to a name.
 */
export function searchDomainsOf(domains: readonly string[]): readonly string[] {
  const found = domains.map((domain) => domain.toLowerCase().replace(/\.$/, '')).filter(isDomain);
  return [...new Set(found)].slice(0, MAX_DOMAINS);
}

export function isDomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every((label) => LABEL.test(label));
}
