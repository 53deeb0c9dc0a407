import { cmdlet, type PowerShell } from '../../../powershell/index.js';
import { orHypervError } from '../../hyperv/hyperv-error.js';
import { switchDevice } from './host-networks.js';

const READ_SECONDS = 60;
/**
 * What Windows lists for an adapter without IPv6 name servers: site-local addresses, deprecated by RFC 3879,
 * that nothing answers on.
 */
const PLACEHOLDER = /^fec0:0:0:ffff::/i;
const LINK_LOCAL = /^fe[89ab]/i;
/** `ConnectionState` of MSFT_NetIPInterface. */
const CONNECTED = 'Connected';

/**
 * The name servers that Windows itself asks, in its order: by the metric of their interface, lowest first.
 * Those of our own switch are left out: that would be ourselves.
 * @param switchName of our switch
 * @see https://learn.microsoft.com/powershell/module/dnsclient/get-dnsclientserveraddress
 */
export async function windowsResolvers(
  powerShell: PowerShell,
  switchName: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const options = { signal, timeoutSeconds: READ_SECONDS };
  const own = switchDevice(switchName);
  return orHypervError("The host's name servers could not be read", async () => {
    const servers = await powerShell.read(
      {
        pipeline: [cmdlet('Get-DnsClientServerAddress')],
        fields: { InterfaceIndex: 'number', InterfaceAlias: 'text', ServerAddresses: 'texts' },
      },
      options,
    );
    const interfaces = await powerShell.read(
      {
        pipeline: [cmdlet('Get-NetIPInterface')],
        fields: { InterfaceIndex: 'number', InterfaceMetric: 'number', ConnectionState: 'text' },
      },
      options,
    );
    const metricOf = (index: number | undefined): number | undefined => {
      const metrics = interfaces.flatMap((each) =>
        each.InterfaceIndex === index && each.ConnectionState === CONNECTED
          ? [each.InterfaceMetric ?? Infinity]
          : [],
      );
      return metrics.length === 0 ? undefined : Math.min(...metrics);
    };
    const found = servers.flatMap(({ InterfaceIndex: index, InterfaceAlias, ServerAddresses }) => {
      const metric = metricOf(index);
      if (index === undefined || metric === undefined || InterfaceAlias === own) return [];
      return ServerAddresses.filter((address) => !PLACEHOLDER.test(address)).map((address) => ({
        metric,
        // Windows takes the interface's index as the zone of a link-local address.
        address: LINK_LOCAL.test(address) && !address.includes('%') ? `${address}%${index}` : address,
      }));
    });
    const ordered = found.toSorted((one, other) => one.metric - other.metric).map(({ address }) => address);
    return [...new Set(ordered)];
  });
}

/**
 * The domains in which Windows looks for unqualified names: the list in its settings, or else the domain of
 * each connection, in no particular order.
 * @see https://learn.microsoft.com/powershell/module/dnsclient/get-dnsclientglobalsetting
 */
export async function windowsSearchDomains(
  powerShell: PowerShell,
  switchName: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const options = { signal, timeoutSeconds: READ_SECONDS };
  const own = switchDevice(switchName);
  return orHypervError("The host's search domains could not be read", async () => {
    const [global] = await powerShell.read(
      { pipeline: [cmdlet('Get-DnsClientGlobalSetting')], fields: { SuffixSearchList: 'texts' } },
      options,
    );
    const list = global?.SuffixSearchList ?? [];
    if (list.length > 0) return list;
    const clients = await powerShell.read(
      {
        pipeline: [cmdlet('Get-DnsClient')],
        fields: { InterfaceAlias: 'text', ConnectionSpecificSuffix: 'text' },
      },
      options,
    );
    return clients.flatMap(({ InterfaceAlias, ConnectionSpecificSuffix: suffix }) =>
      InterfaceAlias === own || suffix === undefined || suffix === '' ? [] : [suffix],
    );
  });
}
