/** One inbound rule. */
export interface FirewallRule {
  /** Lower case, for example `dns-udp`. */
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly ports: readonly number[] | 'any';
  /** Absolute path of the program that listens, or `System` for what Windows itself serves. */
  readonly program: string;
  /** `switch`: only what comes in on the switch's adapter. `lan`: from every network. */
  readonly scope: 'switch' | 'lan';
}

export interface FirewallWanted {
  readonly rules: readonly FirewallRule[];
  /**
   * GUID of the switch's adapter. Windows binds rules to it, so those of a recreated adapter have no effect.
   */
  readonly interfaceGuid: string | undefined;
}

export interface FirewallFound {
  readonly rules: readonly { readonly name: string; readonly description: string; readonly isOn: boolean }[];
}

/** A wanted rule under its name, with its description in Windows. */
export interface DescribedRule {
  readonly name: string;
  readonly description: string;
  readonly rule: FirewallRule;
}

export interface RuleComparison {
  readonly missing: readonly DescribedRule[];
  /** Names of rules that are no longer wanted, or that allow something else. */
  readonly wrong: readonly string[];
}

/** A port of the switch's address that our program serves to the machine. */
export interface ServedPort {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
}

const DNS_PORT = 53;
const DHCP_PORT = 67;
/** The guest's port requests. */
const CONTROL_PORT = 2374;

export interface HostRulesOptions {
  /** Absolute path of the node.exe that ships with mobyvm; never one that other programs run with as well. */
  readonly program: string;
  /** What the machine may reach besides DNS, DHCP and port requests: the loopback ports that we forward. */
  readonly services: readonly ServedPort[];
  /**
   * Whether other computers may reach published ports; which of them is decided by the address that each port
   * is bound to.
   */
  readonly isLanAllowed: boolean;
}

/** Every rule that mobyvm needs. Windows blocks what comes in without one, also from its own switch. */
export function hostRules({ program, services, isLanAllowed }: HostRulesOptions): readonly FirewallRule[] {
  const portsOf = (protocol: ServedPort['protocol'], own: readonly number[]): readonly number[] =>
    [
      ...new Set([...own, ...services.filter((each) => each.protocol === protocol).map(({ port }) => port)]),
    ].sort((one, other) => one - other);
  const onSwitch = { program, scope: 'switch' } as const;
  const fromLan = { program, scope: 'lan', ports: 'any' } as const;
  return [
    { id: 'services-udp', protocol: 'UDP', ports: portsOf('udp', [DNS_PORT, DHCP_PORT]), ...onSwitch },
    { id: 'services-tcp', protocol: 'TCP', ports: portsOf('tcp', [DNS_PORT, CONTROL_PORT]), ...onSwitch },
    ...(isLanAllowed
      ? ([
          { id: 'published-udp', protocol: 'UDP', ...fromLan },
          { id: 'published-tcp', protocol: 'TCP', ...fromLan },
        ] as const)
      : []),
  ];
}

export function compareRules(
  prefix: string,
  found: FirewallFound | undefined,
  wanted: FirewallWanted,
): RuleComparison {
  const present = found?.rules ?? [];
  const described = wanted.rules.map((rule) => ({
    name: `${prefix}${rule.id}`,
    description: descriptionOf(rule, wanted.interfaceGuid),
    rule,
  }));
  const isRight = (name: string): boolean => {
    const here = present.find((each) => each.name === name);
    const there = described.find((each) => each.name === name);
    return here !== undefined && there !== undefined && here.isOn && here.description === there.description;
  };
  return {
    missing: described.filter(({ name }) => !isRight(name)),
    wrong: present.map(({ name }) => name).filter((name) => !isRight(name)),
  };
}

function descriptionOf({ protocol, ports, program, scope }: FirewallRule, guid = 'none yet'): string {
  const which = ports === 'any' ? 'any port' : ports.join(', ');
  const where = scope === 'switch' ? `the adapter ${guid}` : 'every network';
  return `${protocol} ${which} from ${where} for ${program}`;
}
