import type { RemoveOutcome, Resource } from '../../../core/host/index.js';
import { formatSubnet } from '../../../core/values/index.js';
import { cmdlet, PowerShellError, type PowerShell } from '../../../powershell/index.js';
import { hypervError, orHypervError, withoutEffectError } from '../../hyperv/hyperv-error.js';
import { foreignNatError, planNat, type NatFound, type NatWanted } from './nat.plan.js';

export interface NatOptions {
  readonly powerShell: PowerShell;
  /** Unique to this machine: it contains the machine's id. */
  readonly name: string;
}

const FIELDS = { Name: 'text', InternalIPInterfaceAddressPrefix: 'text' } as const;

/**
 * The machine's way to other networks. A NAT network has no notes, so ours is recognised by its name, even if
 * creating it was given up.
 * @see https://learn.microsoft.com/powershell/module/netnat/new-netnat
 */
export function nat({ powerShell, name }: NatOptions): Resource<NatWanted, readonly NatFound[]> {
  const isOurs = (found: string | undefined): boolean => found?.toLowerCase() === name.toLowerCase();

  async function observe(signal: AbortSignal): Promise<readonly NatFound[]> {
    const rows = await orHypervError('The NAT networks could not be read', () =>
      powerShell.read({ pipeline: [cmdlet('Get-NetNat')], fields: FIELDS }, { signal }),
    );
    return rows.map(({ Name = '', InternalIPInterfaceAddressPrefix: prefix }) => ({
      name: Name,
      prefix,
      isOurs: isOurs(Name),
    }));
  }

  async function removeOurs(signal: AbortSignal): Promise<RemoveOutcome> {
    const isPresent = async (): Promise<boolean> => (await observe(signal)).some((each) => each.isOurs);
    if (!(await isPresent())) return 'none';
    // Always with the name: without it, Remove-NetNat removes every NAT network of the host.
    await orHypervError(`The NAT network "${name}" was not removed`, () =>
      powerShell.run([cmdlet('Remove-NetNat', { Name: name })], { signal }),
    );
    if (await isPresent()) throw withoutEffectError(`The NAT network "${name}" was not removed`);
    return 'remove';
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
      // Before the effect: a call that fails may have created it all the same.
      onFailure(async () => {
        await removeOurs(new AbortController().signal);
      });
      const create = cmdlet('New-NetNat', { Name: name, InternalIPInterfaceAddressPrefix: prefix });
      try {
        const rows = await powerShell.read({ pipeline: [create], fields: FIELDS }, { signal });
        if (rows.some(({ Name }) => isOurs(Name))) return;
      } catch (error) {
        const [foreign] = found.filter((each) => !each.isOurs);
        if (foreign !== undefined && error instanceof PowerShellError)
          throw foreignNatError(foreign, wanted, error);
        throw hypervError(`The NAT network for ${prefix} was not created`, error);
      }
      throw withoutEffectError(`The NAT network for ${prefix} was not created`);
    },
    remove: ({ signal }) => removeOurs(signal),
  };
}
