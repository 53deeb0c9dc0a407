import { hostname } from 'node:os';
import { join } from 'node:path';
import { QemuKvpExchange } from '../../kvp/index.js';
import { QemuDriver } from '../../vm/index.js';
import type { MachinePlatform, MachinePlatformOptions } from '../host-side/machine-platform.js';
import { LinuxHostNetwork } from './linux-host-network.js';
import { linuxPortFacts } from './port-facts.js';
import { resolvConfResolvers } from './resolv-conf-resolvers.js';

/** The servers that systemd-resolved asks. */
const RESOLVED_UPLINKS = '/run/systemd/resolve/resolv.conf';

/** A machine on Linux: QEMU, a bridge with nftables rules, the key-value exchange over a virtio-serial port. */
export function linuxMachine(options: MachinePlatformOptions): MachinePlatform {
  const { paths, identity, settings, ledger, itemStore, logger } = options;
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
    // QEMU can neither grow a VHDX while the VM runs nor free its space.
    dataDiskPath: join(paths.vmStateDir, 'data.qcow2'),
    preconditions: [],
    close: async () => {
      await exchange.close();
      await driver.close();
    },
  };
}
