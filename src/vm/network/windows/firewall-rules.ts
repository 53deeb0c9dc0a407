import type { Resource } from '../../../core/host/index.js';
import type { Change } from '../../../core/values/index.js';
import { cmdlet, PowerShellError, type PowerShell } from '../../../powershell/index.js';
import { orHypervFailure, withoutEffect } from '../../hyperv/hyperv-failure.js';

/** What the machine may reach on the host's address. */
export interface FirewallRule {
  /** Lower case, for example `dns-udp`. */
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly ports: readonly number[];
  /** Absolute path of the program that listens, or `System` for what Windows itself serves. */
  readonly program: string;
}

export interface FirewallWanted {
  readonly rules: readonly FirewallRule[];
  /** Of the switch's adapter: the rules hold there alone, in every network category. */
  readonly interfaceAlias: string;
  /** Its GUID, to which Windows binds the rules: those of an adapter that was made anew hold nowhere. */
  readonly interfaceGuid: string;
}

export interface FirewallFound {
  readonly rules: readonly { readonly name: string; readonly description: string; readonly isOn: boolean }[];
}

/** Windows shows it as the group of our rules. */
const GROUP = 'mobyvm';

/**
 * Inbound rules for the switch's adapter. A rule's name carries the machine's id, and its description says what it allows: by
 * that it is compared, as reading a rule's filters takes seconds.
 */
export function firewallRules(
  powerShell: PowerShell,
  machineId: string,
): Resource<FirewallWanted, FirewallFound> {
  const prefix = `mobyvm-${machineId}-`;
  const observe = (signal: AbortSignal) => readRules(powerShell, prefix, signal);
  const namesOf = async (signal: AbortSignal): Promise<readonly string[]> =>
    (await observe(signal))?.rules.map(({ name }) => name) ?? [];
  const plan = (found: FirewallFound | undefined, wanted: FirewallWanted): Change => {
    const { missing, wrong } = compare(prefix, found, wanted);
    if (missing.length === 0 && wrong.length === 0) return { kind: 'none' };
    if (found === undefined) return { kind: 'create' };
    return { kind: 'update', fields: [...new Set([...missing.map(({ name }) => name), ...wrong])] };
  };
  return {
    id: 'network-firewall',
    title: 'firewall rules',
    observe: ({ signal }) => observe(signal),
    plan,
    async ensure(wanted, found, { signal, onFailure }) {
      const { missing, wrong } = compare(prefix, found, wanted);
      await removeRules(powerShell, wrong, signal);
      onFailure(async () => {
        const later = new AbortController().signal;
        const made = (await namesOf(later)).filter((name) => missing.some((each) => each.name === name));
        await removeRules(powerShell, made, later);
      });
      for (const each of missing) await makeRule(powerShell, each, { ...wanted, signal });
      if (plan(await observe(signal), wanted).kind !== 'none')
        throw withoutEffect('The firewall rules were not made');
    },
    async remove({ signal }) {
      await removeRules(powerShell, await namesOf(signal), signal);
      if ((await namesOf(signal)).length > 0) throw withoutEffect('The firewall rules were not removed');
    },
  };
}

async function readRules(
  powerShell: PowerShell,
  prefix: string,
  signal: AbortSignal,
): Promise<FirewallFound | undefined> {
  const query = {
    pipeline: [cmdlet('Get-NetFirewallRule', { Group: GROUP })],
    fields: { Name: 'text', Description: 'text', Enabled: 'text', Action: 'text' },
  } as const;
  const rows = await orHypervFailure('The firewall rules could not be read', async () => {
    try {
      return await powerShell.read(query, { signal, timeoutSeconds: 60 });
    } catch (error) {
      // No rule of the group is an error to it.
      if (error instanceof PowerShellError && error.errorId.startsWith('CmdletizationQuery_NotFound'))
        return [];
      throw error;
    }
  });
  const ours = rows.flatMap(({ Name = '', Description = '', Enabled, Action }) =>
    Name.startsWith(prefix)
      ? [{ name: Name, description: Description, isOn: Enabled === 'True' && Action === 'Allow' }]
      : [],
  );
  return ours.length === 0 ? undefined : { rules: ours };
}

async function removeRules(
  powerShell: PowerShell,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const name of names) {
    await orHypervFailure(`The firewall rule "${name}" was not removed`, () =>
      powerShell.run([cmdlet('Remove-NetFirewallRule', { Name: name })], { signal }),
    );
  }
}

async function makeRule(
  powerShell: PowerShell,
  { name, description, rule }: Described,
  { interfaceAlias, signal }: { readonly interfaceAlias: string; readonly signal: AbortSignal },
): Promise<void> {
  const make = cmdlet('New-NetFirewallRule', {
    ...{ Name: name, DisplayName: `mobyvm ${rule.id}`, Description: description, Group: GROUP },
    ...{ Direction: 'Inbound', Action: 'Allow', Profile: 'Any', Enabled: 'True' },
    ...{ Protocol: rule.protocol, LocalPort: rule.ports.map(String), Program: rule.program },
    InterfaceAlias: interfaceAlias,
  });
  await orHypervFailure(`The firewall rule for ${rule.id} was not made`, () =>
    powerShell.run([make], { signal }),
  );
}

/** A wanted rule with what Windows is told of it. */
interface Described {
  readonly name: string;
  readonly description: string;
  readonly rule: FirewallRule;
}

interface Comparison {
  readonly missing: readonly Described[];
  /** Names of rules that are not wanted any more, or allow something else. */
  readonly wrong: readonly string[];
}

function compare(prefix: string, found: FirewallFound | undefined, wanted: FirewallWanted): Comparison {
  const present = found?.rules ?? [];
  const described = wanted.rules.map((rule) => ({
    name: `${prefix}${rule.id}`,
    description: `${rule.protocol} ${rule.ports.join(', ')} on "${wanted.interfaceAlias}" (${wanted.interfaceGuid}) for ${rule.program}`,
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
