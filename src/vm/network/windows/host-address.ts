import { waitFor, type Requirement, type Resource } from '../../../core/host/index.js';
import { cmdlet, type PowerShell } from '../../../powershell/index.js';
import { orHypervError, withoutEffectError } from '../../hyperv/hyperv-error.js';
import {
  hasAddress,
  planHostAddress,
  wrongAddresses,
  type HostAddressFound,
  type HostAddressWanted,
} from './host-address.plan.js';
import type { SwitchAdapterReader } from './switch-adapter.js';

const ADDRESS_FIELDS = {
  InterfaceIndex: 'number',
  IPAddress: 'text',
  PrefixLength: 'number',
  AddressState: 'text',
} as const;
const USABLE_SECONDS = 30;
const ADAPTER_SECONDS = 30;

export interface HostAddressOptions {
  readonly powerShell: PowerShell;
  readonly adapter: SwitchAdapterReader;
  readonly switchName: string;
}

/**
 * The host's address on the switch, which is the machine's gateway. The adapter belongs to the switch, so
 * every address on it is ours.
 * @see https://learn.microsoft.com/powershell/module/nettcpip/new-netipaddress
 */
export function hostAddress(
  { powerShell, adapter, switchName }: HostAddressOptions,
  { address }: HostAddressWanted,
): Resource<HostAddressWanted, HostAddressFound> {
  const observe = (signal: AbortSignal) => adapter.addresses(address, signal);
  const removeAddress = (on: AddressOn, signal: AbortSignal) =>
    orHypervError(`The address ${on.IPAddress} was not removed`, () =>
      powerShell.run([cmdlet('Remove-NetIPAddress', on)], { signal }),
    );

  return {
    id: 'network-address',
    title: `address ${address} on ${switchName}`,
    observe: ({ signal }) => observe(signal),
    plan: planHostAddress,
    async ensure(wanted, before, { signal, onFailure, progress }) {
      const found = before ?? (await adapterOfNewSwitch(observe, switchName, signal));
      // A new switch's adapter has been seen only now.
      planHostAddress(found, wanted);
      const InterfaceIndex = found.interfaceIndex;
      onFailure(async () => {
        const later = new AbortController().signal;
        const present = await observe(later);
        if (present !== undefined && !hasAddress(found, wanted) && hasAddress(present, wanted))
          await removeAddress({ InterfaceIndex: present.interfaceIndex, IPAddress: address }, later);
      });
      if (found.hasDhcp) await turnDhcpOff(powerShell, InterfaceIndex, signal);
      for (const wrong of wrongAddresses(found, wanted))
        await removeAddress({ InterfaceIndex, IPAddress: wrong.address }, signal);
      if (!hasAddress(found, wanted)) {
        const add = cmdlet('New-NetIPAddress', {
          InterfaceIndex,
          IPAddress: address,
          PrefixLength: wanted.prefixLength,
        });
        await orHypervError(`The address ${address} was not set`, () => powerShell.run([add], { signal }));
      }
      // Windows refuses a new address while DHCP is on, so that only needs to be checked when there was none
      // to add.
      const now = hasAddress(found, wanted) ? await observe(signal) : undefined;
      if (now !== undefined && planHostAddress(now, wanted).kind !== 'none')
        throw withoutEffectError(`The address ${address} was not set`);
      const on = { InterfaceIndex, IPAddress: address };
      const state = await readState(powerShell, on, wanted, signal);
      if (state === undefined) throw withoutEffectError(`The address ${address} was not set`);
      if (state === USABLE) return;
      progress('waiting for Windows to make the address usable');
      await waitFor(usable(powerShell, on, wanted), signal);
    },
    async remove({ signal }) {
      const found = await observe(signal);
      if (found?.addresses.some((each) => each.address === address) !== true) return 'none';
      await removeAddress({ InterfaceIndex: found.interfaceIndex, IPAddress: address }, signal);
      return 'remove';
    },
  };
}

async function turnDhcpOff(
  powerShell: PowerShell,
  InterfaceIndex: number,
  signal: AbortSignal,
): Promise<void> {
  const fixed = cmdlet('Set-NetIPInterface', { InterfaceIndex, AddressFamily: 'IPv4', Dhcp: 'Disabled' });
  await orHypervError('DHCP could not be turned off on the adapter of the switch', () =>
    powerShell.run([fixed], { signal }),
  );
}

interface AddressOn {
  readonly InterfaceIndex: number;
  readonly IPAddress: string;
}

/** Windows creates the adapter after the switch, and its IP interface after that. */
async function adapterOfNewSwitch(
  observe: (signal: AbortSignal) => Promise<HostAddressFound | undefined>,
  switchName: string,
  signal: AbortSignal,
): Promise<HostAddressFound> {
  let found: HostAddressFound | undefined;
  await waitFor(
    {
      title: `the host's network adapter on the switch "${switchName}"`,
      check: async (either) => (found = await observe(either)) !== undefined,
      timeoutSeconds: ADAPTER_SECONDS,
      hint: 'If the adapter is disabled, enable it. Otherwise run `mobyvm down` and `mobyvm up`: the switch is recreated.',
      code: 'MOBYVM_HYPERV',
    },
    signal,
  );
  if (found === undefined) throw withoutEffectError(`The switch "${switchName}" was not created`);
  return found;
}

/** `AddressState` of MSFT_NetIPAddress. */
const USABLE = 'Preferred';

/** The state of the address, undefined when the adapter does not have it. */
async function readState(
  powerShell: PowerShell,
  on: AddressOn,
  { prefixLength }: HostAddressWanted,
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = {
    pipeline: [cmdlet('Get-NetIPAddress', { AddressFamily: 'IPv4' })],
    fields: ADDRESS_FIELDS,
  } as const;
  const rows = await orHypervError('The addresses could not be read', () =>
    powerShell.read(query, { signal }),
  );
  return rows.find(
    (row) =>
      row.InterfaceIndex === on.InterfaceIndex &&
      row.IPAddress === on.IPAddress &&
      row.PrefixLength === prefixLength,
  )?.AddressState;
}

/**
 * A new address is tentative until Windows has checked that nothing else on the network uses it; until then
 * nothing can bind to it.
 */
function usable(powerShell: PowerShell, on: AddressOn, wanted: HostAddressWanted): Requirement {
  return {
    title: `the address ${on.IPAddress} to become usable`,
    check: async (signal) => (await readState(powerShell, on, wanted, signal)) === USABLE,
    timeoutSeconds: USABLE_SECONDS,
    hint: 'Check the adapter with Get-NetIPAddress: "Duplicate" means that another device uses the address.',
    code: 'MOBYVM_HYPERV',
  };
}
