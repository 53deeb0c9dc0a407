import { cmdlet, guid, type PowerShell } from '../../../powershell/index.js';
import { orHypervFailure } from '../../hyperv/hyperv-failure.js';

/** The host's own adapter on a switch. */
export interface SwitchAdapter {
  readonly interfaceIndex: number;
  /** `vEthernet (…)`; people may rename it. */
  readonly alias: string;
  /** Lower case: Windows binds firewall rules to it, whatever the adapter is called. */
  readonly guid: string;
}

/**
 * By the adapter's GUID, as its name is in nobody's hands. Undefined when the switch has none, or does not exist.
 * @throws MobyvmError MOBYVM_HYPERV
 */
export function findSwitchAdapter(
  powerShell: PowerShell,
  switchName: string,
  signal: AbortSignal,
): Promise<SwitchAdapter | undefined> {
  return orHypervFailure('The network adapters could not be read', () =>
    find(powerShell, switchName, signal),
  );
}

async function find(
  powerShell: PowerShell,
  switchName: string,
  signal: AbortSignal,
): Promise<SwitchAdapter | undefined> {
  const ports = await powerShell.read(
    {
      pipeline: [cmdlet('Get-VMNetworkAdapter', { ManagementOS: true })],
      fields: { SwitchName: 'text', DeviceId: 'text' },
    },
    { signal },
  );
  const port = ports.find(({ SwitchName }) => SwitchName?.toLowerCase() === switchName.toLowerCase());
  // While the adapter is made it has none yet.
  if (port?.DeviceId === undefined || port.DeviceId === '') return undefined;
  const adapters = await powerShell.read(
    {
      pipeline: [cmdlet('Get-NetAdapter', { IncludeHidden: true })],
      fields: { InterfaceGuid: 'text', InterfaceIndex: 'number', Name: 'text' },
    },
    { signal },
  );
  const wanted = guid(port.DeviceId).guid;
  const found = adapters.find(({ InterfaceGuid }) => sameGuid(InterfaceGuid, wanted));
  if (found?.InterfaceIndex === undefined) return undefined;
  return { interfaceIndex: found.InterfaceIndex, alias: found.Name ?? '', guid: wanted };
}

function sameGuid(text: string | undefined, wanted: string): boolean {
  return text?.replaceAll(/[{}]/g, '').toLowerCase() === wanted;
}
