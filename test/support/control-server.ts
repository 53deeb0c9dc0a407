import { silentLogger } from '../../src/core/host/index.js';
import { controlApi, type ControlApiOptions } from '../../src/daemon/control/control-api.js';
import type { ControlledMachine } from '../../src/daemon/control/controlled-machine.js';
import {
  startControlServer,
  type ControlServer,
  type ControlServerOptions,
} from '../../src/daemon/control/server.js';
import { listenOnUnixSocket } from '../../src/daemon/linux/unix-listener.js';
import { RecentRecords } from '../../src/daemon/recent-records.js';
import { FakeKvp } from './kvp-fake/index.js';
import { FakeShareWorld, sharesOf } from './share-fake.js';

const notHere = (): Promise<never> => Promise.reject(new TypeError('not asked here'));

/** A machine that a test asks nothing but what it gives. */
export function controlledMachine(given: Partial<ControlledMachine> = {}): ControlledMachine {
  return {
    kvp: new FakeKvp(),
    stall: undefined,
    console: { tail: () => Promise.resolve([]), onLine: () => () => undefined },
    info: () => {
      throw new TypeError('not asked here');
    },
    status: notHere,
    onStatusChange: () => () => undefined,
    operate: notHere,
    cancel: notHere,
    usage: () => Promise.resolve({}),
    listContainers: () => Promise.resolve([]),
    listPorts: () => Promise.resolve([]),
    knownPorts: () => [],
    listLeases: () => [],
    ...given,
  };
}

/** What the control API is made of, with nothing behind it but what a test gives. */
export function apiOptions(given: Partial<ControlApiOptions> = {}): ControlApiOptions {
  return {
    machine: controlledMachine(),
    dns: () => undefined,
    shares: sharesOf(new FakeShareWorld()),
    logger: silentLogger,
    recent: new RecentRecords(),
    settings: { read: notHere, save: notHere },
    requestExit: () => Promise.resolve(),
    examineHost: () => Promise.resolve([]),
    diagnose: () => Promise.resolve(new Uint8Array([80, 75])),
    repair: () => Promise.resolve(),
    followOutput: () => Promise.resolve(),
    shareOffers: () => Promise.resolve({ hasDrives: false, offers: [] }),
    ...given,
  };
}

/** Serves the control API at a unix socket. */
export function serveControl(
  address: string,
  {
    openShell = notHere,
    ...given
  }: Partial<ControlApiOptions & Pick<ControlServerOptions, 'openShell'>> = {},
): Promise<ControlServer> {
  const options = apiOptions(given);
  const { logger } = options;
  const api = controlApi(options);
  return startControlServer({ listen: listenOnUnixSocket, address, api, openShell, logger });
}
