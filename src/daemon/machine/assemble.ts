import { join } from 'node:path';
import { fileLedger, type Logger } from '../../core/host/index.js';
import { MobyvmError } from '../../core/values/index.js';
import { QemuKvpExchange, type KvpExchange } from '../../kvp/index.js';
import {
  engineClient,
  ENGINE_SERVER_NAME,
  tlsDial,
  type Dial,
  type EngineClient,
} from '../../proxy/index.js';
import { parseBootStage, QemuDriver, type VmSpec } from '../../vm/index.js';
import { loadCertificates } from '../certificates/index.js';
import type { MachineStatus } from '../../protocol/messages.js';
import { fileItemStore, KvpGuest, loadToken, setAsideIfDamaged } from '../guest/index.js';
import type { MachineIdentity } from '../identity.js';
import { imageStep, isoPathIn } from '../image.js';
import type { InstancePaths } from '../../protocol/paths.js';
import { Ports } from '../ports/index.js';
import { hostSize } from '../host-size.js';
import { firmwareFor } from '../settings/firmware.plan.js';
import { loadSettings } from '../settings/load.js';
import type { Settings } from '../settings/schema.js';
import { version } from '../../protocol/version.js';
import { BootWatch } from './boot-watch.js';
import type { EngineProbe } from './engine-probe.js';
import { LinuxHost, VM_HOSTNAME } from './linux-host.js';
import { Machine } from './machine.js';

/** Where the engine listens, with mutual TLS. */
const ENGINE_PORT = 2376;

const VM_NAME = 'MobyLinuxVM';

export interface AssembleOptions {
  readonly paths: InstancePaths;
  readonly settings: Settings;
  readonly identity: MachineIdentity;
  readonly namespace: string | undefined;
  readonly logger: Logger;
  readonly pid: number;
  /** The daemon was started by a command. */
  readonly isBackground: boolean;
  /** Told of the settings that each `up` and `restart` loads. */
  readonly applySettings: (settings: Settings) => void;
}

export interface AssembledMachine {
  readonly machine: Machine;
  /** Opens a connection to the engine in the VM. */
  readonly dial: Dial;
  close(): Promise<void>;
}

/** Joins the parts of a machine on a Linux host with QEMU. */
export function assembleMachine(options: AssembleOptions): AssembledMachine {
  const { paths, settings, identity, namespace, logger } = options;
  const driver = new QemuDriver({
    stateDirectory: paths.vmStateDir,
    runDirectory: paths.vmRunDir,
    consoleLogPath: paths.consoleLog,
    qemuLogPath: paths.qemuLog,
    logger,
    machineId: identity.machineId,
  });
  const ledger = fileLedger(paths.ledgerFile);
  const { resolvConf: resolvConfPath } = paths;
  const ports = new Ports({
    token: () => guest.token,
    containers: (signal) => engine.containers(signal),
    logger,
  });
  const host = new LinuxHost({ ...identity, namespace, ledger, resolvConfPath, ports, logger }, settings);
  const { machineId } = identity;
  const store = fileItemStore(paths.kvpItemsFile);
  const exchange = new QemuKvpExchange({ socketPath: driver.kvpSocketPath, store, logger });
  const guest = guestOver(exchange, options);
  const dial = engineDial(host, guest);
  const engine = engineClient({ dial, nowMs });
  const imageDirOf = ({ image }: Settings): string => image.directory ?? paths.imageDir;
  const machine = new Machine(
    {
      driver,
      boot: new BootWatch(driver.console, parseBootStage),
      host,
      guest,
      kvp: exchange,
      ports,
      engine: probeOf(engine),
      logger,
      hostSize: hostSize(),
      loadSettings: () => loadSettings(paths.settingsFile),
      applySettings: options.applySettings,
      imageStep: (now) => imageStep(imageDirOf(now)),
      specFor: (now) => specOf(now.vm, isoPathIn(imageDirOf(now)), { ...options, host }),
      about: {
        daemon: aboutDaemon(options),
        machineId,
        mac: identity.mac,
        endpoint: paths.engineSocket,
      },
    },
    settings,
  );
  return {
    machine,
    dial,
    close: async () => {
      guest.unfollow();
      await ports.close();
      await exchange.close();
      await driver.close();
    },
  };
}

function aboutDaemon({ pid, isBackground, paths }: AssembleOptions): MachineStatus['daemon'] {
  const { stateDir, logDir, settingsFile } = paths;
  return { pid, version, startedAt: new Date().toISOString(), isBackground, stateDir, logDir, settingsFile };
}

function probeOf(engine: EngineClient): EngineProbe {
  return {
    ping: (signal) => engine.ping(signal),
    version: async (signal) => {
      const answer = await engine.version(signal);
      return { version: answer.Version, apiVersion: answer.ApiVersion };
    },
  };
}

function specOf(
  vm: Settings['vm'],
  isoPath: string,
  { identity, paths, host }: AssembleOptions & { readonly host: LinuxHost },
): VmSpec {
  return {
    machineId: identity.machineId,
    name: VM_NAME,
    cpus: vm.cpus,
    memoryMiB: vm.memoryMiB,
    firmware: firmwareFor(vm.firmware, 'linux'),
    isoPath,
    dataDisk: { path: join(paths.vmStateDir, 'data.qcow2'), sizeGiB: vm.diskGiB },
    network: { attachment: host.attachment, mac: identity.mac },
    awaitsConfiguration: true,
    accelerator: vm.accelerator === 'auto' ? undefined : vm.accelerator,
  };
}

function guestOver(exchange: KvpExchange, { identity, paths, logger }: AssembleOptions): KvpGuest {
  const { machineId } = identity;
  return new KvpGuest({
    exchange,
    loadCertificates: () => loadCertificates({ directory: paths.tlsDir, machineId, nowMs: nowMs(), logger }),
    setAsideDamagedItems: () => setAsideIfDamaged(paths.kvpItemsFile),
    loadToken: () => loadToken(paths.tokenFile),
    hostName: VM_HOSTNAME,
    nowMs,
    logger,
  });
}

/** Dials the engine where the VM is, with what the guest was given. */
function engineDial(host: LinuxHost, guest: KvpGuest): Dial {
  return tlsDial({
    address: () => {
      if (host.vmAddress === undefined) throw noAddress();
      return { host: host.vmAddress, port: ENGINE_PORT };
    },
    credentials: () => guest.credentials,
    servername: ENGINE_SERVER_NAME,
  });
}

function nowMs(): number {
  return Date.now();
}

function noAddress(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    'The VM has no address yet.',
    'Start it with `mobyvm up`.',
  );
}
