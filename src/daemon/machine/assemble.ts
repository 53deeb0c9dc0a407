import { fileLedger, type FileProtection, type Logger, type ManagedResource } from '../../core/host/index.js';
import { MobyvmError, type Ipv4 } from '../../core/values/index.js';
import type { KvpExchange } from '../../kvp/index.js';
import type { InstancePaths } from '../../protocol/paths.js';
import type { HostPlatform } from '../../protocol/platform.js';
import { version } from '../../protocol/version.js';
import {
  engineClient,
  ENGINE_SERVER_NAME,
  KeptConnection,
  tlsDial,
  type Dial,
  type DnsServer,
  type EngineClient,
  type UsualAddress,
} from '../../proxy/index.js';
import { parseBootStage, setAsideUnreadable, type VmSpec } from '../../vm/index.js';
import { loadCertificates } from '../certificates/index.js';
import {
  fileItemStore,
  KvpGuest,
  loadToken,
  setItemsAsideIfUnreadable,
  ShownTokens,
} from '../guest/index.js';
import { hostSize } from '../host-size.js';
import type { MachineIdentity } from '../identity.js';
import { bootImage } from '../image.js';
import { Ports } from '../ports/index.js';
import { shareServices } from '../shares/assemble-shares.js';
import { startLinkServer, type CredentialStore, type Shares } from '../../share/index.js';
import { firmwareFor } from '../settings/firmware.plan.js';
import { migrateSettings } from '../settings/migrate.js';
import { setAsideMessages } from '../state-files.js';
import { loadSettings } from '../settings/load.js';
import type { Settings } from '../settings/schema.js';
import { BootWatch } from './boot-watch.js';
import { dataDiskFile } from '../host-side/data-disk.js';
import { GuestServices, VM_HOSTNAME, type ServicesForGuest } from '../host-side/guest-services.js';
import { guestRecordFile } from './guest-record.js';
import { imageProblem, KeptImage } from './last-image.js';
import { installedFiles } from './installed-files.js';
import { Machine } from './machine.js';
import { MachineHost } from '../host-side/machine-host.js';
import { runningContainer } from './running-containers.plan.js';
import type { MachineParts } from './machine-parts.js';
import type {
  CheckIntervals,
  MachinePlatform,
  MachinePlatformOptions,
} from '../host-side/machine-platform.js';

/** Where the engine listens, with mutual TLS. */
const ENGINE_PORT = 2376;
const VM_NAME = 'MobyLinuxVM';

export interface AssembleOptions {
  readonly paths: InstancePaths;
  readonly files: FileProtection;
  /** Where the passwords of shares are. */
  readonly credentials: CredentialStore;
  readonly settings: Settings;
  readonly identity: MachineIdentity;
  readonly namespace: string | undefined;
  readonly logger: Logger;
  readonly pid: number;
  /** The daemon was started by a command. */
  readonly isBackground: boolean;
  /** Where Docker's clients look that are told nothing, once the engine's endpoint is open. */
  readonly usualEndpoint?: () => UsualAddress | undefined;
  /** Called with the settings that each `up` and `restart` loads. */
  readonly applySettings: (settings: Settings) => void;
}

export interface AssembledMachine {
  readonly machine: Machine;
  readonly checks: CheckIntervals;
  /** Opens a connection to the engine in the VM. */
  readonly dial: Dial;
  /** The DNS server that containers use, while there is one. */
  readonly dns: () => DnsServer | undefined;
  readonly shares: Shares;
  /** What last showed a wrong token, and when; undefined if it has shown the right one since. */
  readonly wrongToken: () => ShownTokens['wrong'];
  /** Closes every server and connection. The VM, if it runs, is left alone. */
  close(): Promise<void>;
}

/** What stands in for parts that cannot run where the platform is only simulated. */
export interface AssemblySubstitutes {
  readonly services?: ServicesForGuest;
  readonly startLinks?: typeof startLinkServer;
  readonly dial?: Dial;
}

/** Assembles a machine from the parts of a platform and those that all platforms share. */
export function assembleMachine(
  platformOf: (options: MachinePlatformOptions) => MachinePlatform,
  options: AssembleOptions,
  { startLinks = startLinkServer, ...substitutes }: AssemblySubstitutes = {},
): AssembledMachine {
  const { paths, credentials, settings, identity, namespace, logger } = options;
  const ledger = fileLedger(paths.ledgerFile);
  const itemStore = fileItemStore(paths.kvpItemsFile, options.files.seal);
  const platform = platformOf({ paths, identity, settings, ledger, itemStore, credentials, logger });
  const token = (): string | undefined => guest.token;
  const tokens = new ShownTokens(nowMs);
  const ports = new Ports({
    ...{ token, portFacts: platform.portFacts, logger },
    onToken: tokens.by('the publisher of ports'),
    containers: (signal) => engine.containers(signal),
  });
  const services = substitutes.services ?? new GuestServices({ mac: identity.mac, platform, ports, logger });
  const guest = guestOver(platform.exchange, options);
  const dial: Dial = substitutes.dial ?? engineDial(() => host.vmAddress, guest);
  const engine = engineClient({ dial, nowMs, kept: new KeptConnection() });
  const shares = shareServices(platform, {
    ...{ paths, credentials, token, dial, engine, startLinks, logger },
    onToken: tokens.by('the watch over shares'),
  });
  const host = new MachineHost({ network: platform.network, services, shares, ledger, namespace });
  const machine = new Machine(
    {
      driver: platform.driver,
      boot: new BootWatch(platform.driver.console, parseBootStage),
      host,
      guest,
      kvp: platform.exchange,
      ports,
      shares,
      ...partsOf(engine),
      ...usageOf(platform),
      logger,
      hostSize: hostSize(),
      loadSettings: () => loadSettings(paths.settingsFile, platform.name),
      applySettings: options.applySettings,
      installation: (now) => [...platform.preconditions, imageOf(platform, now)],
      files: () => [secretFiles(paths), shares.installed()],
      specFor: (now) => specOf(now, platform, options),
      ...filesOf(options, platform.name),
      about: aboutMachine(options),
    },
    settings,
  );
  return {
    machine,
    checks: platform.checks,
    dial,
    dns: () => services.dns,
    shares: shares.shares,
    wrongToken: () => tokens.wrong,
    close: () => closeAll(guest, engine, [services, shares, platform]),
  };
}

async function closeAll(
  guest: KvpGuest,
  engine: EngineClient,
  parts: readonly { close(): Promise<void> }[],
): Promise<void> {
  guest.unfollow();
  engine.close();
  for (const each of parts) await each.close();
}

function imageOf({ driver, imageLocation }: MachinePlatform, now: Settings): ManagedResource {
  return bootImage(imageLocation(now), async (signal) =>
    ['off', 'absent'].includes(await driver.state(signal)),
  );
}

/** Files without which a start can continue; docs/files.md says what happens to the parts. */
function filesOf(
  { paths, files, credentials, logger }: AssembleOptions,
  name: HostPlatform,
): Pick<MachineParts, 'guestRecord' | 'lastImage' | 'imageProblem' | 'prepareFiles'> {
  const guestRecord = guestRecordFile(paths.guestRecordFile);
  const messages = setAsideMessages(paths.stateDir);
  return {
    guestRecord,
    lastImage: new KeptImage(paths.lastImageDir, logger),
    imageProblem: () => imageProblem(paths.lastImageDir),
    prepareFiles: async () => {
      await setAsideUnreadable(paths.vmStateDir);
      await guestRecord.setAsideIfUnreadable();
      await setItemsAsideIfUnreadable(paths.kvpItemsFile, files.seal);
      await credentials.setAsideIfUnreadable();
      return [...(await migrateSettings(paths.settingsFile, name)), ...(await messages())];
    },
  };
}

/** Deleted by `uninstall`. The VM's own folder is its driver's; identity and logs go when the daemon exits. */
function secretFiles(paths: InstancePaths): ManagedResource {
  return installedFiles({
    id: 'secrets',
    title: 'keys, certificates and items',
    paths: [
      paths.tlsDir,
      paths.tokenFile,
      paths.dashboardFile,
      paths.kvpItemsFile,
      paths.guestRecordFile,
      paths.lastImageDir,
    ],
  });
}

function aboutMachine(options: AssembleOptions): MachineParts['about'] {
  const { pid, isBackground, paths, identity, usualEndpoint } = options;
  const { stateDir, logDir, settingsFile } = paths;
  const startedAt = new Date().toISOString();
  return {
    daemon: { pid, version, startedAt, isBackground, stateDir, logDir, settingsFile },
    machineId: identity.machineId,
    mac: identity.mac,
    endpoint: paths.engineSocket,
    ...(usualEndpoint && { usualEndpoint }),
  };
}

function usageOf({ dataDiskPath, vmUsage }: MachinePlatform): Pick<MachineParts, 'dataDisk' | 'vmUsage'> {
  return { dataDisk: dataDiskFile(dataDiskPath), vmUsage: vmUsage ?? (() => Promise.resolve(undefined)) };
}

function partsOf(engine: EngineClient): Pick<MachineParts, 'engine' | 'containers'> {
  return {
    engine: {
      ping: (signal) => engine.ping(signal),
      version: async (signal) => {
        const answer = await engine.version(signal);
        return { version: answer.Version, apiVersion: answer.ApiVersion };
      },
    },
    containers: async (signal) => (await engine.containers(signal)).map(runningContainer),
  };
}

function specOf(
  settings: Settings,
  { name, dataDiskPath, imageLocation, network }: MachinePlatform,
  { identity }: AssembleOptions,
): VmSpec {
  const { vm } = settings;
  return {
    machineId: identity.machineId,
    name: VM_NAME,
    cpus: vm.cpus,
    memoryMiB: vm.memoryMiB,
    firmware: firmwareFor(vm.firmware, name),
    isoPath: imageLocation(settings).isoPath,
    dataDisk: { path: dataDiskPath, sizeGiB: vm.diskGiB },
    network: { attachment: network.attachment, mac: identity.mac },
    awaitsConfiguration: true,
    accelerator: vm.accelerator === 'auto' ? undefined : vm.accelerator,
  };
}

function guestOver(exchange: KvpExchange, { identity, paths, files, logger }: AssembleOptions): KvpGuest {
  const { machineId } = identity;
  return new KvpGuest({
    exchange,
    loadCertificates: () =>
      loadCertificates({ directory: paths.tlsDir, files, machineId, nowMs: nowMs(), logger }),
    loadToken: () => loadToken(paths.tokenFile, files.seal),
    hostName: VM_HOSTNAME,
    nowMs,
    logger,
  });
}

/** Dials the engine at the VM's address, with the credentials that match the guest's. */
function engineDial(vmAddress: () => Ipv4 | undefined, guest: KvpGuest): Dial {
  return tlsDial({
    address: () => {
      const host = vmAddress();
      if (host === undefined) throw noAddressError();
      return { host, port: ENGINE_PORT };
    },
    credentials: () => guest.credentials,
    servername: ENGINE_SERVER_NAME,
  });
}

function nowMs(): number {
  return Date.now();
}

function noAddressError(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    'The VM has no address yet.',
    'Start it with `mobyvm up`.',
  );
}
