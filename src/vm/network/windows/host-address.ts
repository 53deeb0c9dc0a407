import { waitFor, type Requirement, type Resource } from '../../../core/host/index.js';
import { cmdlet, type PowerShell } from '../../../powershell/index.js';
import { orHypervFailure, withoutEffect } from '../../hyperv/hyperv-failure.js';
import {
  hasAddress,
  planHostAddress,
  wrongAddresses,
  type HostAddressFound,
  type HostAddressWanted,
} from './host-address.plan.js';
import { findSwitchAdapter } from './switch-adapter.js';

const ADDRESS_FIELDS = {
  InterfaceIndex: 'number',
  InterfaceAlias: 'text',
  IPAddress: 'text',
  PrefixLength: 'number',
  AddressState: 'text',
} as const;
const USABLE_SECONDS = 30;
const ADAPTER_SECONDS = 30;

/** The host's address on the switch: the machine's gateway. The adapter belongs to the switch, so all on it is ours. */
export function hostAddress(
  powerShell: PowerShell,
  switchName: string,
  { address }: HostAddressWanted,
): Resource<HostAddressWanted, HostAddressFound> {
  const observe = (signal: AbortSignal) => readAddress(powerShell, { switchName, address }, signal);
  const removeAddress = (place: AddressPlace, signal: AbortSignal) =>
    orHypervFailure(`The address ${place.IPAddress} was not removed`, () =>
      powerShell.run([cmdlet('Remove-NetIPAddress', place)], { signal }),
    );

  return {
    id: 'network-address',
    title: `address ${address} on ${switchName}`,
    observe: ({ signal }) => observe(signal),
    plan: planHostAddress,
    async ensure(wanted, before, { signal, onFailure, progress }) {
      const found = before ?? (await adapterOfNewSwitch(observe, switchName, signal));
      // Only now known.
      planHostAddress(found, wanted);
      const on = { InterfaceIndex: found.interfaceIndex };
      onFailure(async () => {
        const later = new AbortController().signal;
        const present = await observe(later);
        if (present !== undefined && !hasAddress(found, wanted) && hasAddress(present, wanted))
          await removeAddress({ InterfaceIndex: present.interfaceIndex, IPAddress: address }, later);
      });
      if (found.hasDhcp) {
        const fixed = cmdlet('Set-NetIPInterface', { ...on, AddressFamily: 'IPv4', Dhcp: 'Disabled' });
        await orHypervFailure('DHCP could not be switched off on the switch’s adapter', () =>
          powerShell.run([fixed], { signal }),
        );
      }
      for (const wrong of wrongAddresses(found, wanted))
        await removeAddress({ ...on, IPAddress: wrong.address }, signal);
      if (!hasAddress(found, wanted)) {
        const { prefixLength } = wanted;
        const add = cmdlet('New-NetIPAddress', { ...on, IPAddress: address, PrefixLength: prefixLength });
        await orHypervFailure(`The address ${address} was not set`, () => powerShell.run([add], { signal }));
      }
      const now = await observe(signal);
      if (now === undefined || planHostAddress(now, wanted).kind !== 'none')
        throw withoutEffect(`The address ${address} was not set`);
      progress('waiting for Windows to let the address be used');
      await waitFor(usable(powerShell, { ...on, IPAddress: address }), signal);
    },
    async remove({ signal }) {
      const found = await observe(signal);
      if (found?.addresses.some((each) => each.address === address) !== true) return;
      await removeAddress({ InterfaceIndex: found.interfaceIndex, IPAddress: address }, signal);
    },
  };
}

interface AddressPlace {
  readonly InterfaceIndex: number;
  readonly IPAddress: string;
}

function readAddresses(powerShell: PowerShell, signal: AbortSignal) {
  const pipeline = [cmdlet('Get-NetIPAddress', { AddressFamily: 'IPv4' })] as const;
  return powerShell.read({ pipeline, fields: ADDRESS_FIELDS }, { signal });
}

async function readAddress(
  powerShell: PowerShell,
  { switchName, address }: { readonly switchName: string; readonly address: string },
  signal: AbortSignal,
): Promise<HostAddressFound | undefined> {
  return orHypervFailure('The addresses could not be read', async () => {
    const adapter = await findSwitchAdapter(powerShell, switchName, signal);
    if (adapter === undefined) return undefined;
    const { interfaceIndex } = adapter;
    const isHere = (row: { readonly InterfaceIndex: number | undefined }): boolean =>
      row.InterfaceIndex === interfaceIndex;
    const pipeline = [cmdlet('Get-NetIPInterface', { AddressFamily: 'IPv4' })] as const;
    const fields = { InterfaceIndex: 'number', Dhcp: 'text' } as const;
    const ipInterface = (await powerShell.read({ pipeline, fields }, { signal })).find(isHere);
    // It comes a moment after its adapter.
    if (ipInterface === undefined) return undefined;
    const rows = await readAddresses(powerShell, signal);
    return {
      interfaceIndex,
      hasDhcp: ipInterface.Dhcp === 'Enabled',
      addresses: rows
        .filter(isHere)
        .map((row) => ({ address: row.IPAddress ?? '', prefixLength: row.PrefixLength ?? 0 })),
      addressElsewhere: rows.find((row) => row.IPAddress === address && !isHere(row))?.InterfaceAlias,
    };
  });
}

/** Windows makes it after the switch, and its IP interface after that. */
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
      hint: 'Run `mobyvm down` and `mobyvm up`: the switch is made anew. If the adapter is switched off, switch it on.',
      code: 'MOBYVM_HYPERV',
    },
    signal,
  );
  if (found === undefined) throw withoutEffect(`The switch "${switchName}" was not made`);
  return found;
}

/** A new address is tentative until nobody on its network has it as well; nothing can be bound to it before. */
function usable(powerShell: PowerShell, place: AddressPlace): Requirement {
  return {
    title: `the address ${place.IPAddress} to become usable`,
    check: async (signal) =>
      (await readAddresses(powerShell, signal)).some(
        (row) =>
          row.InterfaceIndex === place.InterfaceIndex &&
          row.IPAddress === place.IPAddress &&
          row.AddressState === 'Preferred',
      ),
    timeoutSeconds: USABLE_SECONDS,
    hint: 'Look at the adapter with Get-NetIPAddress: "Duplicate" means that somebody else has the address.',
    code: 'MOBYVM_HYPERV',
  };
}
