/**
 * The nftables table that we want, as libnftables-json(5) commands. Pure: the same input gives the same text.
 */
import { formatSubnet, type Ipv4, type Subnet } from '../../../core/values/index.js';
import { tableNameOf } from './link-name.plan.js';
import type { NftCommand, NftListing, NftObject, NftTableName } from './nft.codec.js';

/** A port on the host's bridge address that the VM and its containers may reach. */
export interface HostService {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

export interface RulesWanted {
  readonly bridge: string;
  readonly subnet: Subnet;
  /** The host's address on the bridge. */
  readonly hostAddress: Ipv4;
  /**
   * What the guest may reach on the host besides DHCP, DNS and ping; `all` leaves that to the host's own
   * firewall.
   */
  readonly hostServices: readonly HostService[] | 'all';
}

/**
 * A chain that no packet passes, holding only comments: the owner's tag and a seal that reveals changes by
 * others.
 */
export const ABOUT_CHAIN = 'about';

export function rulesTable(bridge: string): NftTableName {
  return { family: 'inet', name: tableNameOf(bridge) };
}

/** Creates or replaces the whole table in one transaction, so that there is no moment without rules. */
export function replaceTable(wanted: RulesWanted, tag: string): readonly NftCommand[] {
  const table = rulesTable(wanted.bridge);
  return [
    ...dropTable(table),
    { add: { table: { ...table } } },
    addChain(table, ABOUT_CHAIN),
    addRule(table, ABOUT_CHAIN, { comment: tag, expr: [RETURN] }),
    addChain(table, 'input', { type: 'filter', hook: 'input', prio: 0, policy: 'accept' }),
    ...inputRules(wanted).map((rule) => addRule(table, 'input', rule)),
    addChain(table, 'forward', { type: 'filter', hook: 'forward', prio: 0, policy: 'accept' }),
    ...forwardRules(wanted).map((rule) => addRule(table, 'forward', rule)),
    addChain(table, 'postrouting', { type: 'nat', hook: 'postrouting', prio: 100, policy: 'accept' }),
    ...postroutingRules(wanted).map((rule) => addRule(table, 'postrouting', rule)),
  ];
}

/** Adding first makes the deletion succeed even if the table does not exist. */
export function dropTable(table: NftTableName): readonly NftCommand[] {
  return [{ add: { table: { ...table } } }, { delete: { table: { ...table } } }];
}

/** Restores a table from its listing. */
export function restoreTable(table: NftTableName, { objects }: NftListing): readonly NftCommand[] {
  return [...dropTable(table), ...objects.map((object) => ({ add: object }))];
}

/** Adds the seal, see {@link readSeal}. */
export function sealTable(table: NftTableName, seal: Seal): NftCommand {
  return addRule(table, ABOUT_CHAIN, {
    comment: `sealed wanted:${seal.wanted} listed:${seal.listed}`,
    expr: [RETURN],
  });
}

/**
 * Tells whether a table still is as mobyvm left it. nft lists rules in its own form, which differs between
 * versions, so the wanted rules are never compared with the listed ones: instead both have a hash, taken when
 * the table was loaded.
 */
export interface Seal {
  readonly wanted: string;
  readonly listed: string;
}

export function readSeal({ rules }: NftListing): Seal | undefined {
  for (const { chain, comment } of rules) {
    const match = /^sealed wanted:([0-9a-f]+) listed:([0-9a-f]+)$/.exec(comment ?? '');
    if (chain === ABOUT_CHAIN && match?.[1] !== undefined && match[2] !== undefined)
      return { wanted: match[1], listed: match[2] };
  }
  return undefined;
}

/** The owner's tag, ours or another's; undefined if the table carries none. */
export function readTag({ rules }: NftListing): string | undefined {
  return rules.find(({ chain, comment }) => chain === ABOUT_CHAIN && comment?.startsWith('mobyvm:') === true)
    ?.comment;
}

/** The text that the seal's `listed` hash covers: everything but the chain that holds the seal. */
export function sealedText({ objects }: NftListing): string {
  return JSON.stringify(objects.filter((object) => !isAbout(object)));
}

function isAbout(object: NftObject): boolean {
  const { rule, chain } = object as { rule?: { chain?: unknown }; chain?: { name?: unknown } };
  return rule?.chain === ABOUT_CHAIN || chain?.name === ABOUT_CHAIN;
}

interface Rule {
  readonly comment: string;
  readonly expr: readonly unknown[];
}

function inputRules({ bridge, subnet, hostAddress, hostServices }: RulesWanted): readonly Rule[] {
  const toUs = is(IP_DESTINATION, hostAddress);
  return [
    {
      comment: 'our servers answer only the VM and this host',
      expr: [toUs, isNot(IN_DEVICE, bridge), isNot(IN_DEVICE, 'lo'), DROP],
    },
    { comment: 'the remaining rules are for the VM', expr: [isNot(IN_DEVICE, bridge), ACCEPT] },
    { comment: 'no IPv6 with the VM', expr: [isNot(L3_PROTOCOL, 'ipv4'), DROP] },
    { comment: 'DHCP', expr: [is(port('udp', 'dport'), 67), is(port('udp', 'sport'), 68), ACCEPT] },
    { comment: 'no spoofed source address', expr: [isNot(IP_SOURCE, network(subnet)), DROP] },
    { comment: 'answers', expr: [ESTABLISHED, ACCEPT] },
    { comment: 'ping', expr: [is(payload('icmp', 'type'), 'echo-request'), ACCEPT] },
    ...(['udp', 'tcp'] as const).map((protocol) => ({
      comment: 'DNS',
      expr: [toUs, is(port(protocol, 'dport'), 53), ACCEPT],
    })),
    ...(hostServices === 'all'
      ? [{ comment: 'left to the host firewall', expr: [ACCEPT] }]
      : [
          ...hostServices.map((service) => ({
            comment: 'host service',
            expr: [toUs, is(port(service.protocol, 'dport'), service.port), ACCEPT],
          })),
          { comment: 'nothing else', expr: [is(L4_PROTOCOL, 'tcp'), TCP_RESET] },
          { comment: 'nothing else', expr: [UNREACHABLE] },
        ]),
  ];
}

function forwardRules({ bridge, subnet }: RulesWanted): readonly Rule[] {
  const fromVm = is(IN_DEVICE, bridge);
  const toVm = is(OUT_DEVICE, bridge);
  return [
    { comment: 'no IPv6 with the VM', expr: [fromVm, isNot(L3_PROTOCOL, 'ipv4'), DROP] },
    { comment: 'no spoofed source address', expr: [fromVm, isNot(IP_SOURCE, network(subnet)), DROP] },
    { comment: 'the VM may reach other networks', expr: [fromVm, ACCEPT] },
    { comment: 'answers', expr: [toVm, ESTABLISHED, ACCEPT] },
    { comment: 'nothing else reaches the VM: the host publishes its ports', expr: [toVm, DROP] },
  ];
}

function postroutingRules({ bridge, subnet }: RulesWanted): readonly Rule[] {
  return [
    {
      comment: `${formatSubnet(subnet)} to elsewhere`,
      expr: [
        is(IP_SOURCE, network(subnet)),
        isNot(IP_DESTINATION, network(subnet)),
        isNot(OUT_DEVICE, bridge),
        { masquerade: null },
      ],
    },
  ];
}

const RETURN = { return: null };
const ACCEPT = { accept: null };
const DROP = { drop: null };
const TCP_RESET = { reject: { type: 'tcp reset' } };
const UNREACHABLE = { reject: { type: 'icmpx', expr: 'port-unreachable' } };
const IN_DEVICE = { meta: { key: 'iifname' } };
const OUT_DEVICE = { meta: { key: 'oifname' } };
const L3_PROTOCOL = { meta: { key: 'nfproto' } };
const L4_PROTOCOL = { meta: { key: 'l4proto' } };
const IP_SOURCE = payload('ip', 'saddr');
const IP_DESTINATION = payload('ip', 'daddr');
const ESTABLISHED = {
  match: { op: 'in', left: { ct: { key: 'state' } }, right: ['established', 'related'] },
};

function is(left: unknown, right: unknown): unknown {
  return { match: { op: '==', left, right } };
}

function isNot(left: unknown, right: unknown): unknown {
  return { match: { op: '!=', left, right } };
}

function port(protocol: 'tcp' | 'udp', field: 'sport' | 'dport'): unknown {
  return payload(protocol, field);
}

function payload(protocol: string, field: string): unknown {
  return { payload: { protocol, field } };
}

function network({ network: addr, prefixLength: len }: Subnet): unknown {
  return { prefix: { addr, len } };
}

function addChain({ family, name: table }: NftTableName, name: string, base: object = {}): NftCommand {
  return { add: { chain: { family, table, name, ...base } } };
}

function addRule({ family, name: table }: NftTableName, chain: string, rule: Rule): NftCommand {
  return { add: { rule: { family, table, chain, ...rule } } };
}
