import { silentLogger } from '../../src/core/host/index.js';
import type { ControlServerOptions } from '../../src/daemon/control/server.js';
import { FakeKvp } from './kvp-fake/index.js';
import { FakeShareWorld, sharesOf } from './share-fake.js';

/** A control API over nothing; tests replace what they ask for. */
export function idleControl(): Omit<ControlServerOptions, 'listen' | 'address'> {
  const notHere = (): Promise<never> => Promise.reject(new TypeError('not asked here'));
  return {
    machine: {
      kvp: new FakeKvp(),
      stall: undefined,
      info: () => {
        throw new TypeError('not asked here');
      },
      status: notHere,
      listPorts: notHere,
      listLeases: () => [],
      onStatusChange: () => () => undefined,
      operate: notHere,
      cancel: notHere,
    },
    logger: silentLogger,
    dns: () => undefined,
    openShell: notHere,
    requestExit: () => Promise.resolve(),
    shares: sharesOf(new FakeShareWorld()),
    examineHost: () => Promise.resolve([]),
    repair: () => Promise.resolve(),
  };
}
