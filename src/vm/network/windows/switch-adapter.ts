import { isIpv4, netmask, parseSubnet, type Ipv4 } from '../../../core/values/index.js';
import { cmdlet, guid, type PowerShell, type Row } from '../../../powershell/index.js';
import { orHypervError } from '../../hyperv/hyperv-error.js';
import type { HostAddressFound } from './host-address.plan.js';

/** The host's own adapter on a switch. */
export interface SwitchAdapter {
  readonly interfaceIndex: number;
  /** `vEthernet (…)`; the user may rename it. */
  readonly alias: string;
  /** Lower case. */
  readonly guid: string;
}

/** How long one reading of the adapter is reused by the next parts of the network. */
const RECENT_MS = 10_000;

/** The IP configuration of all adapters: what three cmdlets would read. */
const CONFIGURATION = cmdlet('Get-CimInstance', { ClassName: 'Win32_NetworkAdapterConfiguration' });
const CONFIGURATION_FIELDS = {
  SettingID: 'text',
  InterfaceIndex: 'number',
  Description: 'text',
  DHCPEnabled: 'boolean',
  IPEnabled: 'boolean',
  IPAddress: 'texts',
  IPSubnet: 'texts',
} as const;

/** Looks at the host's adapter on our switch, for all parts of the network that need it. */
export class SwitchAdapterReader {
  readonly #powerShell: PowerShell;
  readonly #switchName: string;
  #recent: { readonly guid: string; readonly atMs: number } | undefined;

  constructor(powerShell: PowerShell, switchName: string) {
    this.#powerShell = powerShell;
    this.#switchName = switchName;
  }

  /**
   * The GUID, to which Windows binds firewall rules; one that was just seen by {@link addresses} costs no
   * call.
   */
  async guid(signal: AbortSignal): Promise<string | undefined> {
    const { guid: known, atMs = 0 } = this.#recent ?? {};
    if (known !== undefined && performance.now() - atMs < RECENT_MS) return known;
    const found = await readGuid(this.#powerShell, this.#switchName, signal);
    this.#recent = found === undefined ? undefined : { guid: found, atMs: performance.now() };
    return found;
  }

  /**
   * Index, name and GUID; undefined when the switch does not exist or has no adapter.
   * @throws MobyvmError MOBYVM_HYPERV
   */
  async adapter(signal: AbortSignal): Promise<SwitchAdapter | undefined> {
    const wanted = await this.guid(signal);
    return wanted === undefined ? undefined : readAdapter(this.#powerShell, wanted, signal);
  }

  /**
   * The IPv4 addresses of the adapter, read afresh. Undefined while Windows has not set it up for IP: that
   * happens a moment after the switch is created.
   * @param address looked for on the other adapters as well
   * @throws MobyvmError MOBYVM_HYPERV
   * @see https://learn.microsoft.com/windows/win32/cimwin32prov/win32-networkadapterconfiguration
   */
  async addresses(address: Ipv4 | undefined, signal: AbortSignal): Promise<HostAddressFound | undefined> {
    this.#recent = undefined;
    const wanted = await this.guid(signal);
    if (wanted === undefined) return undefined;
    const query = { pipeline: [CONFIGURATION], fields: CONFIGURATION_FIELDS } as const;
    const rows = await orHypervError('The addresses could not be read', () =>
      this.#powerShell.read(query, { signal }),
    );
    const own = rows.find(({ SettingID }) => sameGuid(SettingID, wanted));
    if (own?.InterfaceIndex === undefined || own.IPEnabled !== true) return undefined;
    return {
      interfaceIndex: own.InterfaceIndex,
      hasDhcp: own.DHCPEnabled === true,
      addresses: addressesOf(own),
      addressElsewhere:
        address === undefined
          ? undefined
          : rows.find((row) => row !== own && row.IPAddress.includes(address))?.Description,
    };
  }
}

async function readGuid(
  powerShell: PowerShell,
  switchName: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = {
    pipeline: [cmdlet('Get-VMNetworkAdapter', { ManagementOS: true })],
    fields: { SwitchName: 'text', DeviceId: 'text' },
  } as const;
  const ports = await orHypervError('The network adapters could not be read', () =>
    powerShell.read(query, { signal }),
  );
  const port = ports.find(({ SwitchName }) => SwitchName?.toLowerCase() === switchName.toLowerCase());
  // A new adapter has no device id at first.
  return port?.DeviceId === undefined || port.DeviceId === '' ? undefined : guid(port.DeviceId).guid;
}

async function readAdapter(
  powerShell: PowerShell,
  wanted: string,
  signal: AbortSignal,
): Promise<SwitchAdapter | undefined> {
  const query = {
    pipeline: [cmdlet('Get-NetAdapter', { IncludeHidden: true })],
    fields: { InterfaceGuid: 'text', InterfaceIndex: 'number', Name: 'text' },
  } as const;
  const adapters = await orHypervError('The network adapters could not be read', () =>
    powerShell.read(query, { signal }),
  );
  // By its GUID: the user may rename it.
  const found = adapters.find(({ InterfaceGuid }) => sameGuid(InterfaceGuid, wanted));
  if (found?.InterfaceIndex === undefined) return undefined;
  return { interfaceIndex: found.InterfaceIndex, alias: found.Name ?? '', guid: wanted };
}

function addressesOf({
  IPAddress,
  IPSubnet,
}: Row<typeof CONFIGURATION_FIELDS>): HostAddressFound['addresses'] {
  return IPAddress.flatMap((address, index) => {
    const prefixLength = PREFIX_LENGTHS.get(IPSubnet[index] ?? '');
    return isIpv4(address) && prefixLength !== undefined ? [{ address, prefixLength }] : [];
  });
}

/** By their dotted masks. */
const PREFIX_LENGTHS = new Map<string, number>(
  Array.from({ length: 33 }, (_, prefixLength) => [
    netmask({ network: parseSubnet('0.0.0.0/0').network, prefixLength }),
    prefixLength,
  ]),
);

function sameGuid(text: string | undefined, wanted: string): boolean {
  return text?.replaceAll(/[{}]/g, '').toLowerCase() === wanted;
}
