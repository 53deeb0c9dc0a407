import type { NftChain, NftListing, NftRule } from './nft.codec.js';

/** Another program's chain that drops traffic the VM needs. */
export interface Blocker {
  /** `ip filter FORWARD`. */
  readonly chain: string;
  readonly problem: string;
  readonly remedy: string;
}

/** The hooks at which the VM's packets meet other programs' rules. */
const HOOKS: Readonly<Record<string, string>> = {
  forward: "the VM's traffic to the network",
  input: "the VM's DHCP and DNS requests to this host",
};

/**
 * Finds chains of a foreign table at the input and forward hooks that drop everything their rules do not
 * accept. A table with a rule that names our bridge is considered prepared: its author knows about mobyvm.
 */
export function blockersIn(listing: NftListing, bridge: string): readonly Blocker[] {
  if (listing.rules.some((rule) => mentions(rule, bridge))) return [];
  return listing.chains.flatMap((chain) => {
    const traffic = HOOKS[chain.hook ?? ''];
    if (traffic === undefined || !isIpv4Filter(chain) || !dropsTheRest(chain, listing)) return [];
    const name = `${chain.family} ${chain.table} ${chain.name}`;
    return [
      {
        chain: name,
        problem: `The nftables chain "${name}" may drop ${traffic}.`,
        remedy: `If the VM has no network access, run: ${remedy(chain, listing, bridge)}`,
      },
    ];
  });
}

/**
 * True if a foreign table filters or translates forwarded packets, which means that another program needs
 * forwarding.
 */
export function usesForwarding({ chains, rules }: NftListing): boolean {
  return chains.some(
    ({ hook, name, policy, type }) =>
      (hook === 'forward' || (hook === 'postrouting' && type === 'nat')) &&
      (policy === 'drop' || rules.some((rule) => rule.chain === name)),
  );
}

function isIpv4Filter({ family, type }: NftChain): boolean {
  return type === 'filter' && (family === 'ip' || family === 'inet');
}

function dropsTheRest({ name, policy }: NftChain, { rules }: NftListing): boolean {
  if (policy === 'drop') return true;
  const last = rules.filter((rule) => rule.chain === name).at(-1);
  return last !== undefined && isUnconditionalDrop(last);
}

function isUnconditionalDrop({ expressions }: NftRule): boolean {
  const statements = expressions.flatMap((expression) =>
    typeof expression === 'object' && expression !== null ? Object.keys(expression) : [],
  );
  return (
    statements.every((statement) => ['counter', 'log', 'drop', 'reject'].includes(statement)) &&
    statements.some((statement) => statement === 'drop' || statement === 'reject')
  );
}

function mentions({ expressions }: NftRule, bridge: string): boolean {
  return JSON.stringify(expressions).includes(JSON.stringify(bridge));
}

/** Our own table restricts the VM, so these tables may accept all of its traffic. */
function remedy({ family, table, name, hook }: NftChain, { chains }: NftListing, bridge: string): string {
  const has = (pattern: RegExp): boolean => chains.some((chain) => pattern.test(chain.name));
  if (table === 'firewalld')
    return `firewall-cmd --permanent --zone=trusted --add-interface=${bridge} && firewall-cmd --reload`;
  if (hook === 'forward' && has(/^DOCKER-USER$/))
    return `iptables -I DOCKER-USER -i ${bridge} -j ACCEPT && iptables -I DOCKER-USER -o ${bridge} -j ACCEPT`;
  if (has(/^ufw-/)) return `ufw ${hook === 'forward' ? 'route ' : ''}allow in on ${bridge}`;
  if (table === 'filter' && (name === 'FORWARD' || name === 'INPUT'))
    return hook === 'forward'
      ? `iptables -I FORWARD -i ${bridge} -j ACCEPT && iptables -I FORWARD -o ${bridge} -j ACCEPT`
      : `iptables -I INPUT -i ${bridge} -j ACCEPT`;
  const rule = (key: string): string => `nft insert rule ${family} ${table} ${name} ${key} ${bridge} accept`;
  return hook === 'forward' ? `${rule('iifname')} && ${rule('oifname')}` : rule('iifname');
}
