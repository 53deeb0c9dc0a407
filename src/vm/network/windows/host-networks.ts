import { isIpv4, parseSubnet, type Subnet } from '../../../core/values/index.js';
import { cmdlet, type CallOptions, type PowerShell } from '../../../powershell/index.js';
import { isDenied, orHypervError } from '../../hyperv/hyperv-error.js';
import type { HostNetworks } from '../subnet.plan.js';

/** Far above any real host; a list that is longer is not processed. */
const MAX_ROWS = 100_000;
const READ_SECONDS = 60;

/**
 * The name that Windows gives the host's adapter on a switch; it is the device of its addresses and routes.
 */
export function switchDevice(switchName: string): string {
  return `vEthernet (${switchName})`;
}

/**
 * The IPv4 addresses, routes and NAT networks of the host; changes nothing.
 * @see https://learn.microsoft.com/powershell/module/nettcpip/get-netroute
 */
export async function gatherWindowsNetworks(
  powerShell: Pick<PowerShell, 'read'>,
  signal: AbortSignal,
): Promise<HostNetworks> {
  const options = { signal, timeoutSeconds: READ_SECONDS };
  return orHypervError("The host's networks could not be read", async () => {
    const addresses = await powerShell.read(
      {
        pipeline: [cmdlet('Get-NetIPAddress', { AddressFamily: 'IPv4' })],
        fields: { InterfaceAlias: 'text', IPAddress: 'text', PrefixLength: 'number' },
      },
      options,
    );
    const routes = await powerShell.read(
      {
        pipeline: [cmdlet('Get-NetRoute', { AddressFamily: 'IPv4' })],
        fields: { DestinationPrefix: 'text', InterfaceAlias: 'text' },
      },
      options,
    );
    const nats = await readForeignNats(powerShell, options);
    return {
      addresses: addresses
        .slice(0, MAX_ROWS)
        .flatMap(({ InterfaceAlias, IPAddress = '', PrefixLength }) =>
          isIpv4(IPAddress) && PrefixLength !== undefined
            ? [{ device: InterfaceAlias ?? '', address: IPAddress, prefixLength: PrefixLength }]
            : [],
        ),
      routes: routes.slice(0, MAX_ROWS).flatMap(({ DestinationPrefix, InterfaceAlias = '' }) => {
        const destination = subnetOrNone(DestinationPrefix);
        return destination === undefined ? [] : [{ destination, type: 'unicast', devices: [InterfaceAlias] }];
      }),
      shared: nats.flatMap((prefix) => subnetOrNone(prefix) ?? []),
    };
  });
}

/**
 * NAT networks of mobyvm end with a machine's id (see windows-network.ts). They serve their own machine and
 * no other.
 */
const OF_MOBYVM = /-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Only administrators can read NAT networks; others see none. */
async function readForeignNats(
  powerShell: Pick<PowerShell, 'read'>,
  options: CallOptions,
): Promise<readonly (string | undefined)[]> {
  const query = {
    pipeline: [cmdlet('Get-NetNat')],
    fields: { Name: 'text', InternalIPInterfaceAddressPrefix: 'text' },
  } as const;
  try {
    const rows = await powerShell.read(query, options);
    return rows
      .filter(({ Name = '' }) => !OF_MOBYVM.test(Name))
      .map(({ InternalIPInterfaceAddressPrefix: prefix }) => prefix);
  } catch (error) {
    if (isDenied(error)) return [];
    throw error;
  }
}

function subnetOrNone(prefix = ''): Subnet | undefined {
  try {
    return parseSubnet(prefix);
  } catch {
    return undefined;
  }
}
