import { win32 } from 'node:path';
import { managed, type Logger, type ManagedResource } from '../../core/host/index.js';
import { HypervKvpExchange, PowerShellWmi } from '../../kvp/index.js';
import type { PowerShell, PowerShellSessions } from '../../powershell/index.js';
import type { PortFacts, ResolverSource } from '../../proxy/index.js';
import {
  HypervDriver,
  hypervService,
  switchDevice,
  windowsResolvers,
  windowsSearchDomains,
  type HypervDriverOptions,
} from '../../vm/index.js';
import { DATA_DISK_NAMES } from '../host-side/data-disk.js';
import type { MachinePlatform, MachinePlatformOptions } from '../host-side/machine-platform.js';
import { imageLocation, type PackagedImage } from '../image-location.js';
import { smbWindowsFileServer, type FileServer, type SmbWindowsOptions } from '../../share/index.js';
import { polledResolvers, type HostChanges, type HostResolution } from './polled-resolvers.js';
import { WindowsHostNetwork } from './windows-host-network.js';

/** What of the Windows host the machine uses besides PowerShell. */
export interface WindowsHost {
  readonly sessions: PowerShellSessions;
  /** Absolute path of the node.exe that ships with mobyvm. */
  readonly program: string;
  readonly portFacts: PortFacts;
  /** Absent if the package has no boot image. */
  readonly packagedImage?: PackagedImage | undefined;
  /** How the host resolves names without an adapter, given by its name; PowerShell is asked if absent. */
  readonly resolution?: (without: string) => Promise<HostResolution>;
  readonly addressChanges?: () => Promise<HostChanges>;
  readonly watchFiles?: MachinePlatform['watchFiles'];
  /** Joins path names; the simulated host's are those of the system it runs on. */
  readonly joinPath?: (...parts: readonly string[]) => string;
  /** What must hold before Hyper-V is looked at. */
  readonly preconditions?: readonly ManagedResource[];
  readonly folderState?: SmbWindowsOptions['folderState'];
  readonly driver?: Pick<HypervDriverOptions, 'lookSeconds' | 'freeBytes'>;
}

/** A machine on Windows: Hyper-V, an internal switch with a NAT network, the key-value exchange over WMI. */
export function windowsMachine(host: WindowsHost): (options: MachinePlatformOptions) => MachinePlatform {
  return ({ paths, identity, ledger, credentials, logger }) => {
    const { sessions } = host;
    const joinPath = host.joinPath ?? ((...parts: readonly string[]) => win32.join(...parts));
    const { machineId } = identity;
    const powerShell = sessions.for('look');
    const driver = new HypervDriver({
      powerShell,
      lifePowerShell: sessions.for('life'),
      machineId,
      ledger,
      stateDirectory: paths.vmStateDir,
      consoleLogPath: paths.consoleLog,
      consolePipe: paths.vmConsole,
      logger,
      ...host.driver,
    });
    const wmi = new PowerShellWmi({
      powerShell: sessions.for('exchange'),
      machineGuid: () => driver.machineGuid(),
    });
    const exchange = new HypervKvpExchange(wmi, { logger });
    const network = new WindowsHostNetwork({
      powerShell,
      machineId,
      ledger,
      program: host.program,
      isNeeded: async (signal) => (await driver.state(signal)) === 'saved',
    });
    return {
      name: 'windows',
      driver,
      exchange,
      network,
      hostResolvers: () => resolversOf(host, { powerShell, switchName: network.name, logger }),
      hostsFile: paths.hostsFile,
      portFacts: host.portFacts,
      fileServer: fileServerOf(host, { powerShell, credentials, ledger, logger, machineId }),
      // Its own rule admits the VM.
      fileServerPorts: [],
      ...(host.watchFiles && { watchFiles: host.watchFiles }),
      imageLocation: (now) => imageLocation(now, paths, joinPath, host.packagedImage),
      dataDiskPath: joinPath(paths.vmStateDir, DATA_DISK_NAMES.windows),
      // A check is six calls of PowerShell, some of which take a second; firewall rules are not flushed there as a whole.
      checks: { repair: { shortMs: 30_000, longMs: 30_000 }, guardMs: undefined },
      preconditions: [...(host.preconditions ?? []), hypervPrecondition(powerShell)],
      close: async () => {
        await exchange.close();
        await driver.close();
        await sessions.close();
      },
    };
  };
}

function hypervPrecondition(powerShell: PowerShell): ManagedResource {
  return { ...managed(hypervService(powerShell), 'running'), isRepaired: false };
}

interface ResolverParts {
  readonly powerShell: PowerShell;
  readonly switchName: string;
  readonly logger: Logger;
}

async function resolversOf(
  { resolution, addressChanges }: WindowsHost,
  { powerShell, switchName, logger }: ResolverParts,
): Promise<ResolverSource> {
  const changes = await addressChanges?.();
  const readByPowerShell = async (signal: AbortSignal): Promise<HostResolution> => ({
    servers: await windowsResolvers(powerShell, switchName, signal),
    searchDomains: await windowsSearchDomains(powerShell, switchName, signal),
  });
  const own = switchDevice(switchName);
  return polledResolvers({
    read: resolution === undefined ? readByPowerShell : () => resolution(own),
    logger,
    ...(changes && { changes }),
  });
}

function fileServerOf(
  { folderState }: WindowsHost,
  options: Omit<SmbWindowsOptions, 'folderState'>,
): FileServer {
  return smbWindowsFileServer({ ...options, ...(folderState === undefined ? {} : { folderState }) });
}
