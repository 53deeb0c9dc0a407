import { expect, test } from 'vitest';
import type { LocalListener, LocalListenerOptions, Logger } from '../../src/core/host/index.js';
import { withEngineGroup } from '../../src/daemon/windows/engine-group.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';

const GROUP = 'docker-users';

function windows(host = new SimulatedHost()) {
  const { groups } = host.fileSharing;
  const records: string[] = [];
  const log = (event: string): void => void records.push(event);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  let sessions = 0;
  const listen = withEngineGroup({
    // What a listener would find when it makes its access list.
    listen: ({ address }) => {
      records.push(`${address} ${groups.has(GROUP) ? 'with' : 'without'} the group`);
      return Promise.resolve({ address } as LocalListener);
    },
    exists: (name) => groups.has(name),
    powerShell: () => {
      sessions += 1;
      return new SimulatedPowerShell(host.answer);
    },
  });
  const listenAt = (address: string, access: LocalListenerOptions['access']): Promise<LocalListener> =>
    listen({ address, access, logger, onConnection: () => undefined });
  return { host, groups, records, listenAt, sessions: () => sessions };
}

test('the group that an endpoint admits is created before its pipe', async () => {
  const { groups, records, listenAt } = windows();
  await listenAt('engine', { kind: 'group', name: GROUP });
  expect(records).toEqual(['engine.group.created', 'engine with the group']);
  expect(groups.get(GROUP)).toMatchObject({ Description: expect.stringContaining('mobyvm') as string });
});

test('one that exists is left as it is, and nothing is asked', async () => {
  const { groups, records, listenAt, sessions } = windows();
  groups.set(GROUP, { Name: GROUP, Description: "Docker Desktop's" });
  await listenAt('engine', { kind: 'group', name: GROUP });
  await listenAt('control', { kind: 'owner only' });
  expect(records).toEqual(['engine with the group', 'control with the group']);
  expect([groups.get(GROUP)?.['Description'], sessions()]).toEqual(["Docker Desktop's", 0]);
});

test('without rights to create it, the pipes are served all the same, and it is tried once', async () => {
  const host = new SimulatedHost();
  host.refused.add('New-LocalGroup');
  const { records, listenAt, sessions } = windows(host);
  const access = { kind: 'group', name: GROUP } as const;
  await Promise.all([listenAt('one', access), listenAt('other', access)]);
  expect(records).toEqual(['engine.group.failed', 'one without the group', 'other without the group']);
  expect(sessions()).toBe(1);
});
