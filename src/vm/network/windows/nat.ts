import type { Resource } from '../../../core/host/index.js';
import { formatSubnet } from '../../../core/values/index.js';
import { cmdlet, PowerShellError, type PowerShell } from '../../../powershell/index.js';
import { hypervFailure, orHypervFailure, withoutEffect } from '../../hyperv/hyperv-failure.js';
import { foreignNat, planNat, type NatFound, type NatWanted } from './nat.plan.js';

export interface NatOptions {
  readonly powerShell: PowerShell;
  /** Nobody else's: it has the machine's id in it. */
  readonly name: string;
}

/** The way out for the machine. A NAT network carries no notes: ours is known by its name, also when its making was given up. */
export function nat({ powerShell, name }: NatOptions): Resource<NatWanted, readonly NatFound[]> {
  async function observe(signal: AbortSignal): Promise<readonly NatFound[]> {
    const fields = { Name: 'text', InternalIPInterfaceAddressPrefix: 'text' } as const;
    const rows = await orHypervFailure('The NAT networks could not be read', () =>
      powerShell.read({ pipeline: [cmdlet('Get-NetNat')], fields }, { signal }),
    );
    return rows.map(({ Name = '', InternalIPInterfaceAddressPrefix: prefix }) => ({
      ...{ name: Name, prefix },
      isOurs: Name.toLowerCase() === name.toLowerCase(),
    }));
  }

  async function removeOurs(signal: AbortSignal): Promise<void> {
    const isOurs = async (): Promise<boolean> => (await observe(signal)).some((each) => each.isOurs);
    if (!(await isOurs())) return;
    // Never without its name: that would remove every NAT network of the host.
    await orHypervFailure(`The NAT network "${name}" was not removed`, () =>
      powerShell.run([cmdlet('Remove-NetNat', { Name: name })], { signal }),
    );
    if (await isOurs()) throw withoutEffect(`The NAT network "${name}" was not removed`);
  }

  return {
    id: 'network-nat',
    title: `NAT network ${name}`,
    observe: ({ signal }) => observe(signal),
    plan: (found = [], wanted) => planNat(found, wanted),
    async ensure(wanted, found = [], { signal, onFailure }) {
      if (planNat(found, wanted).kind === 'replace') await removeOurs(signal);
      if (wanted === 'none') return;
      const prefix = formatSubnet(wanted);
      // Before the effect: a call that fails may have made it all the same.
      onFailure(() => removeOurs(new AbortController().signal));
      const make = cmdlet('New-NetNat', { Name: name, InternalIPInterfaceAddressPrefix: prefix });
      try {
        await powerShell.run([make], { signal });
      } catch (error) {
        const [foreign] = found.filter(({ isOurs }) => !isOurs);
        if (foreign !== undefined && error instanceof PowerShellError)
          throw foreignNat(foreign, wanted, error);
        throw hypervFailure(`The NAT network for ${prefix} was not made`, error);
      }
      if (!(await observe(signal)).some(({ isOurs }) => isOurs))
        throw withoutEffect(`The NAT network for ${prefix} was not made`);
    },
    remove: ({ signal }) => removeOurs(signal),
  };
}
