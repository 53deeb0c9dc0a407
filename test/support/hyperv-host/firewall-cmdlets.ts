import type { HostObject } from '../pwsh-host/stub-calls.js';
import type { Handlers } from './bound.js';
import { alreadyExists, queryNotFound } from './host-failure.js';

/** Firewall rules, by their name. */
export class SimulatedFirewall {
  readonly rules = new Map<string, HostObject>();

  handlers(): Handlers {
    return {
      'Get-NetFirewallRule': (bound) => {
        const group = bound.text('Group');
        const found = [...this.rules.values()].filter((each) => each['Group'] === group);
        if (found.length === 0) throw queryNotFound('RuleGroup', group);
        return found;
      },
      'New-NetFirewallRule': (bound) => {
        const name = bound.text('Name');
        if (this.rules.has(name)) throw alreadyExists(name);
        this.rules.set(name, {
          ...{ Name: name, Group: bound.text('Group'), Description: bound.text('Description') },
          ...{ Enabled: bound.text('Enabled'), Action: bound.text('Action'), Program: bound.text('Program') },
          ...{ Protocol: bound.text('Protocol'), LocalPort: bound.texts('LocalPort') },
          InterfaceAlias: bound.texts('InterfaceAlias'),
        });
        return [];
      },
      'Remove-NetFirewallRule': (bound) => {
        if (!this.rules.delete(bound.text('Name'))) throw queryNotFound('InstanceID', bound.text('Name'));
        return [];
      },
    };
  }
}
