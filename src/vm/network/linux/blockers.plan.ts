import type { NftChain, NftListing, NftRule } from './nft.codec.js';

/** A chain of somebody else that drops what the VM needs. */
export interface Blocker {
  /** `ip filter FORWARD`. */
  readonly chain: string;
  readonly problem: string;
  readonly remedy: string;
}

/** Where the VM's packets meet other people's rules. */
const HOOKS: Readonly<Record<string, string>> = {
  forward: "the VM's way to the network",
  input: "the VM's DHCP and DNS requests to this host",
};

/**
 * Chains at the input and forward hooks of one foreign table that drop what no rule of theirs accepts. A table in
 * which any rule names our bridge is taken for prepared: whoever wrote that rule knows about us.
 */
export function blockersIn(listing: NftListing, bridge: string): readonly Blocker[] {
  if (listing.rules.some((rule) => names(rule, bridge))) return [];
  return listing.chains.flatMap((chain) => {
    const concerns = HOOKS[chain.hook ?? ''];
    if (concerns === undefined || !isIpv4Filter(chain) || !dropsTheRest(chain, listing)) return [];
    const place = `${chain.family} ${chain.table} ${chain.name}`;
    return [
      {
        chain: place,
        problem: `The nftables chain "${place}" may drop ${concerns}.`,
        remedy: `If the VM has no network, run: ${remedy(chain, listing, bridge)}`,
      },
    ];
  });
}

/** True when a foreign table filters or translates what this host forwards: then somebody else needs forwarding. */
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
  const verbs = expressions.flatMap((expression) =>
    typeof expression === 'object' && expression !== null ? Object.keys(expression) : [],
  );
  return (
    verbs.every((verb) => ['counter', 'log', 'drop', 'reject'].includes(verb)) &&
    verbs.some((verb) => verb === 'drop' || verb === 'reject')
  );
}

function names({ expressions }: NftRule, bridge: string): boolean {
  return JSON.stringify(expressions).includes(JSON.stringify(bridge));
}

/** Our own table decides what the VM may do, so these may accept all of it. */
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
