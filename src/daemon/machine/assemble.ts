import { join } from 'node:path';
import { fileLedger, MobyvmError, type Logger } from '../../core/index.js';
import { engineClient, tcpDial, type Dial } from '../../proxy/index.js';
import { parseBootStage, QemuDriver } from '../../vm/index.js';
import type { MachineIdentity } from '../identity.js';
import { imageStep, isoPathIn } from '../image.js';
import type { Places } from '../places.js';
import { loadSettings } from '../settings/load.js';
import type { Settings } from '../settings/schema.js';
import { version } from '../version.js';
import { BootWatch } from './boot-watch.js';
import { LinuxHost } from './linux-host.js';
import { Machine } from './machine.js';

/** The engine listens here until mutual TLS comes; the host's rules and the guest's let only root of this host in. */
const ENGINE_PORT = 2375;

const VM_NAME = 'MobyLinuxVM';

export interface AssembleOptions {
  readonly places: Places;
  readonly settings: Settings;
  readonly identity: MachineIdentity;
  readonly namespace: string | undefined;
  readonly logger: Logger;
  readonly pid: number;
}

export interface AssembledMachine {
  readonly machine: Machine;
  /** Opens a connection to the engine in the VM. */
  readonly dial: Dial;
  close(): Promise<void>;
}

/** Joins the parts of a machine on a Linux host with QEMU. */
export function assembleMachine(options: AssembleOptions): AssembledMachine {
  const { places, settings, identity, namespace, logger } = options;
  const accelerator = settings.vm.accelerator;
  const driver = new QemuDriver({
    stateDirectory: places.vmStateDir,
    runDirectory: places.vmRunDir,
    consoleLogPath: places.consoleLog,
    qemuLogPath: places.qemuLog,
    logger,
    forcedAccelerator: accelerator === 'auto' ? undefined : accelerator,
  });
  const ledger = fileLedger(places.ledgerFile);
  const { resolvConf: resolvConfPath } = places;
  const host = new LinuxHost({ ...identity, namespace, ledger, resolvConfPath, logger }, settings);
  const dial: Dial = (signal) => {
    if (host.vmAddress === undefined) throw noAddress();
    return tcpDial({ host: host.vmAddress, port: ENGINE_PORT })(signal);
  };
  const engine = engineClient({ dial, nowMs: () => Date.now() });
  const imageDirOf = ({ image }: Settings): string => image.directory ?? places.imageDir;
  const machine = new Machine(
    {
      driver,
      boot: new BootWatch(driver.console, parseBootStage),
      host,
      engine: {
        ping: (signal) => engine.ping(signal),
        version: async (signal) => {
          const answer = await engine.version(signal);
          return { version: answer.Version, apiVersion: answer.ApiVersion };
        },
      },
      logger,
      loadSettings: () => loadSettings(places.settingsFile),
      imageStep: (now) => imageStep(imageDirOf(now)),
      specFor: ({ vm, ...now }) => ({
        machineId: identity.machineId,
        name: VM_NAME,
        cpus: vm.cpus,
        memoryMiB: vm.memoryMiB,
        firmware: vm.firmware,
        isoPath: isoPathIn(imageDirOf({ vm, ...now })),
        dataDisk: { path: join(places.vmStateDir, 'data.qcow2'), sizeGiB: vm.diskGiB },
        network: { attachment: host.attachment, mac: identity.mac },
      }),
      about: {
        daemon: { pid: options.pid, version, startedAt: new Date().toISOString() },
        machineId: identity.machineId,
        mac: identity.mac,
        endpoint: places.engineSocket,
      },
    },
    settings,
  );
  return { machine, dial, close: () => driver.close() };
}

function noAddress(): MobyvmError {
  return new MobyvmError(
    'MOBYVM_ENGINE_UNREACHABLE',
    'The VM has no address yet.',
    'Start it with `mobyvm up`.',
  );
}
