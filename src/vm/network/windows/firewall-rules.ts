import type { Resource } from '../../../core/host/index.js';
import type { Change } from '../../../core/values/index.js';
import { cmdlet, PowerShellError, type PowerShell } from '../../../powershell/index.js';
import { orHypervError, withoutEffectError } from '../../hyperv/hyperv-error.js';
import {
  compareRules,
  type DescribedRule,
  type FirewallFound,
  type FirewallWanted,
} from './firewall-rules.plan.js';
import type { SwitchAdapterReader } from './switch-adapter.js';

/** Windows shows it as the group of our rules. */
const GROUP = 'mobyvm';
const READ_SECONDS = 60;

export interface FirewallOptions {
  readonly powerShell: PowerShell;
  readonly adapter: Pick<SwitchAdapterReader, 'adapter'>;
  /** Of the rules' names: it contains the machine's id. */
  readonly prefix: string;
}

/**
 * Inbound rules. A rule's description says what it allows and is what we compare: reading the filters of a
 * rule takes seconds.
 * @see https://learn.microsoft.com/powershell/module/netsecurity/new-netfirewallrule
 */
export function firewallRules({
  powerShell,
  adapter,
  prefix,
}: FirewallOptions): Resource<FirewallWanted, FirewallFound> {
  const observe = (signal: AbortSignal) => readRules(powerShell, prefix, signal);
  const namesOf = async (signal: AbortSignal): Promise<readonly string[]> =>
    (await observe(signal))?.rules.map(({ name }) => name) ?? [];
  const plan = (found: FirewallFound | undefined, wanted: FirewallWanted): Change => {
    const { missing, wrong } = compareRules(prefix, found, wanted);
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
      const { missing, wrong } = compareRules(prefix, found, wanted);
      await removeRules(powerShell, wrong, signal);
      onFailure(async () => {
        const later = new AbortController().signal;
        const made = (await namesOf(later)).filter((name) => missing.some((each) => each.name === name));
        await removeRules(powerShell, made, later);
      });
      const alias = missing.some(({ rule }) => rule.scope === 'switch')
        ? (await adapter.adapter(signal))?.alias
        : undefined;
      for (const each of missing) await createRule(powerShell, each, { alias, signal });
    },
    async remove({ signal }) {
      const names = await namesOf(signal);
      await removeRules(powerShell, names, signal);
      if (names.length > 0 && (await namesOf(signal)).length > 0)
        throw withoutEffectError('The firewall rules were not removed');
      return names.length === 0 ? 'none' : 'remove';
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
  const rows = await orHypervError('The firewall rules could not be read', async () => {
    try {
      return await powerShell.read(query, { signal, timeoutSeconds: READ_SECONDS });
    } catch (error) {
      // The cmdlet fails when the group has no rule.
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
  if (names.length === 0) return;
  await orHypervError(`The firewall rules ${names.join(', ')} were not removed`, () =>
    powerShell.run([cmdlet('Remove-NetFirewallRule', { Name: names })], { signal }),
  );
}

async function createRule(
  powerShell: PowerShell,
  { name, description, rule }: DescribedRule,
  { alias, signal }: { readonly alias: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const what = `The firewall rule for ${rule.id} was not created`;
  if (rule.scope === 'switch' && alias === undefined) throw withoutEffectError(what);
  const create = cmdlet('New-NetFirewallRule', {
    Name: name,
    DisplayName: `mobyvm ${rule.id}`,
    Description: description,
    Group: GROUP,
    Direction: 'Inbound',
    Action: 'Allow',
    Profile: 'Any',
    Enabled: 'True',
    Protocol: rule.protocol,
    LocalPort: rule.ports === 'any' ? 'Any' : rule.ports.map(String),
    Program: rule.program,
    ...(rule.scope === 'switch' && alias !== undefined && { InterfaceAlias: alias }),
  });
  const rows = await orHypervError(what, () =>
    powerShell.read({ pipeline: [create], fields: { Name: 'text' } }, { signal }),
  );
  if (!rows.some(({ Name }) => Name === name)) throw withoutEffectError(what);
}
