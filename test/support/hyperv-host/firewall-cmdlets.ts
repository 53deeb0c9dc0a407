import type { HostObject } from '../pwsh-host/stub-calls.js';
import type { Handlers } from './bound.js';
import { alreadyExists, queryNotFound } from './host-failure.js';

/** Firewall rules, by their name. */
export class SimulatedFirewall {
  readonly rules = new Map<string, HostObject>();
  readonly profiles: HostObject[] = ['Domain', 'Private', 'Public'].map((Name) => ({
    ...{ Name, Enabled: 'True', AllowInboundRules: 'True', AllowLocalFirewallRules: 'True' },
  }));

  handlers(): Handlers {
    return {
      'Get-NetFirewallProfile': () => this.profiles,
      'Get-NetFirewallRule': (bound) => {
        const filter = bound.object('AssociatedNetFirewallApplicationFilter');
        if (filter !== undefined) {
          const rule = this.rules.get(String(filter['InstanceID']));
          return rule === undefined ? [] : [rule];
        }
        const group = bound.optionalText('Group');
        const found = [...this.rules.values()].filter(
          (each) => group === undefined || each['Group'] === group,
        );
        if (found.length === 0 && group !== undefined) throw queryNotFound('RuleGroup', group);
        return found;
      },
      'Get-NetFirewallApplicationFilter': (bound) => {
        const program = bound.text('Program');
        const found = [...this.rules.values()].filter(
          ({ Program }) => String(Program).toLowerCase() === program.toLowerCase(),
        );
        if (found.length === 0) throw queryNotFound('Program', program);
        return found.map(({ Name, Program }) => ({ InstanceID: Name, Program }));
      },
      'New-NetFirewallRule': (bound) => {
        const name = bound.text('Name');
        if (this.rules.has(name)) throw alreadyExists(name);
        this.rules.set(name, {
          ...{ Name: name, Group: bound.text('Group'), Description: bound.optionalText('Description') },
          ...{ DisplayName: bound.text('DisplayName'), Direction: bound.optionalText('Direction') },
          ...{
            Enabled: bound.optionalText('Enabled') ?? 'True',
            Action: bound.text('Action'),
            Program: bound.text('Program'),
          },
          ...{ Protocol: bound.text('Protocol'), LocalPort: bound.texts('LocalPort') },
          InterfaceAlias: bound.has('InterfaceAlias') ? bound.texts('InterfaceAlias') : ['Any'],
          LocalAddress: bound.has('LocalAddress') ? bound.texts('LocalAddress') : ['Any'],
          RemoteAddress: bound.has('RemoteAddress') ? bound.texts('RemoteAddress') : ['Any'],
          Profile: bound.optionalText('Profile') ?? 'Any',
        });
        return [this.rules.get(name)!];
      },
      'Remove-NetFirewallRule': (bound) => {
        for (const name of bound.texts('Name'))
          if (!this.rules.delete(name)) throw queryNotFound('InstanceID', name);
        return [];
      },
    };
  }
}
