import { hostname } from 'node:os';
import { join } from 'node:path';
import { QemuKvpExchange } from '../../kvp/index.js';
import {
  fileServerOnDemand,
  sambaFileServer,
  sambaPidFile,
  SMB_PORTS,
  watchByFanotify,
} from '../../share/index.js';
import { QemuDriver, uplinkMtu } from '../../vm/index.js';
import { DATA_DISK_NAMES } from '../host-side/data-disk.js';
import type { MachinePlatform, MachinePlatformOptions } from '../host-side/machine-platform.js';
import { imageLocation } from '../image-location.js';
import { LinuxHostNetwork } from './linux-host-network.js';
import { linuxPortFacts } from './port-facts.js';
import { usageOfProcess } from './process-usage.js';
import { resolvConfResolvers } from './resolv-conf-resolvers.js';

/** The servers that systemd-resolved asks. */
const RESOLVED_UPLINKS = '/run/systemd/resolve/resolv.conf';

/** A machine on Linux: QEMU, a bridge with nftables rules, the key-value exchange over a virtio-serial port. */
export function linuxMachine(options: MachinePlatformOptions): MachinePlatform {
  const { paths, identity, settings, ledger, itemStore, credentials, logger } = options;
  const { machineId } = identity;
  const driver = new QemuDriver({
    stateDirectory: paths.vmStateDir,
    runDirectory: paths.vmRunDir,
    consoleLogPath: paths.consoleLog,
    qemuLogPath: paths.qemuLog,
    logger,
    machineId,
  });
  const exchange = new QemuKvpExchange({ socketPath: driver.kvpSocketPath, store: itemStore, logger });
  return {
    name: 'linux',
    driver,
    exchange,
    network: new LinuxHostNetwork({ machineId, ledger, logger }, settings),
    hostResolvers: () =>
      resolvConfResolvers({
        path: paths.resolvConf,
        uplinkPath: RESOLVED_UPLINKS,
        hostName: hostname(),
        logger,
      }),
    hostsFile: paths.hostsFile,
    portFacts: linuxPortFacts,
    fileServer: fileServerOnDemand(() =>
      sambaFileServer({ runDir: paths.runDir, logDir: paths.logDir, credentials, logger }),
    ),
    fileServerPorts: SMB_PORTS,
    watchFiles: (options) => watchByFanotify({ ...options, serverPidFile: sambaPidFile(paths.runDir) }),
    uplinkMtu,
    vmUsage: () => usageOfProcess(join(paths.vmRunDir, 'qemu.pid')),
    imageLocation: (now) => imageLocation(now, paths, join),
    dataDiskPath: join(paths.vmStateDir, DATA_DISK_NAMES.linux),
    // A check is some ten short programs, a look at the guard is one: about 6 ms of processor time each.
    checks: { repair: { shortMs: 10_000, longMs: 120_000 }, guardMs: 2_000 },
    preconditions: [],
    close: async () => {
      await exchange.close();
      await driver.close();
    },
  };
}
