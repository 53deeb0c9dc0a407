import type { z } from 'zod';
import { silentLogger, type ManagedResource, type Step } from '../../src/core/host/index.js';
import { MobyvmError, parseMac } from '../../src/core/values/index.js';
import { BootWatch } from '../../src/daemon/machine/boot-watch.js';
import type { GuestSide } from '../../src/daemon/guest/index.js';
import type { Obstacle } from '../../src/daemon/host-side/host-network.js';
import type { HostSide } from '../../src/daemon/host-side/host-side.js';
import type { GuestRecord } from '../../src/daemon/machine/guest-record.js';
import type { LastImage } from '../../src/daemon/machine/last-image.js';
import { Machine } from '../../src/daemon/machine/machine.js';
import type { MachinePorts } from '../../src/daemon/machine/machine-parts.js';
import type { Operation, OperationEvent, OperationName } from '../../src/daemon/machine/operation.js';
import { firmwareFor } from '../../src/daemon/settings/firmware.plan.js';
import { settingsSchema, type Settings } from '../../src/daemon/settings/schema.js';
import { parseBootStage } from '../../src/vm/index.js';
import type { MachineShares } from '../../src/daemon/shares/machine-shares.js';
import { FakeKvp } from './kvp-fake/index.js';
import { NO_SHARES } from './share-fake.js';
import { FakeDriver, type FakeDriverOptions } from './vm-fake/index.js';

const NO_LAST_IMAGE: LastImage = {
  choose: (wanted) => Promise.resolve(wanted),
  answered: () => Promise.resolve(),
  before: () => Promise.resolve(undefined),
  hasFailed: () => Promise.resolve(),
};

const ME = { pid: 1, command: 'mobyvm test' };
const MACHINE_ID = '6f1a1c52-5d2c-4d9d-9d3a-0b8a3f3b6c01';

/**
 * A machine on a fake driver, with a host side that only notes what happens to it. Unless `file` says otherwise, `down`
 * shuts it down.
 */
export function machineWith(
  options: FakeDriverOptions & {
    bootTimeoutSeconds?: number;
    shares?: Partial<MachineShares>;
    lastImage?: LastImage;
  } = {},
) {
  const file: { content: z.input<typeof settingsSchema> } = {
    content: { vm: { bootTimeoutSeconds: options.bootTimeoutSeconds ?? 10, diskGiB: 1 } },
  };
  const applied: Settings[] = [];
  const world: string[] = [];
  const engine = { answers: true, hears: true, failsVersion: 0 };
  const driver = new FakeDriver(options);
  const network = notingResource(world, 'network', 'machine');
  const connections = notingResource(world, 'connections', 'machine');
  const given = { subnet: '10.0.75.0/24', credentials: 'one', shares: [] as string[] };
  const shares: { settled: Promise<unknown> } = { settled: Promise.resolve() };
  const record: { content: GuestRecord | undefined } = { content: undefined };
  const obstacles: Obstacle[] = [];
  const ports: MachinePorts = {
    guestLost: () => undefined,
    audit: () => Promise.resolve(),
    list: () => Promise.resolve([]),
    known: () => [],
    counts: () => ({ open: 0, waiting: 0, failed: 0 }),
    hostNetworkContainers: () => [],
  };
  const host: HostSide = {
    prepare: () => Promise.resolve(),
    resources: () => [network],
    made: () => Promise.resolve([network]),
    connections: () => [connections],
    forget: () => undefined,
    isGone: () => Promise.resolve(!network.isThere),
    hasLease: () => true,
    askedForAddress: () => true,
    leases: () => [],
    describe: () => ({ name: 'mobyvm0', subnet: given.subnet }),
    isGuarded: () => Promise.resolve(network.isThere),
    watch: () => undefined,
    obstacles: () => Promise.resolve(obstacles),
  };
  const guest: GuestSide = {
    prepareStep: () => noting(world, 'certificates', 'made'),
    configure: ({ isFreshBoot }) => {
      if (!engine.hears) return new Promise(() => undefined);
      world.push(`guest ${isFreshBoot ? 'configured' : 'asked'}`);
      return Promise.resolve(isFreshBoot ? 'update' : 'none');
    },
    follow: () => void world.push('guest followed'),
    flushDisk: () => {
      world.push('disk flushed');
      return Promise.resolve();
    },
    syncClock: ({ reason }) => {
      if (reason !== 'checked') world.push(`clock ${reason}`);
      return Promise.resolve(undefined);
    },
    unfollow: () => void world.push('guest left'),
    get credentialsDigest() {
      return given.credentials;
    },
    facts: { os: 'Fake Linux', kernel: '6.12', addresses: ['10.0.75.2'] },
  };
  const machine = new Machine(
    {
      driver,
      host,
      guest,
      kvp: new FakeKvp(),
      ports,
      shares: {
        ...NO_SHARES,
        ids: () => given.shares,
        settled: () => shares.settled.then(() => []),
        ...options.shares,
      },
      lastImage: options.lastImage ?? NO_LAST_IMAGE,
      imageProblem: () => Promise.resolve(undefined),
      prepareFiles: () => Promise.resolve([]),
      guestRecord: {
        read: () => Promise.resolve(record.content),
        write: (content) => Promise.resolve(void (record.content = content)),
        remove: () => Promise.resolve(void (record.content = undefined)),
      },
      boot: new BootWatch(driver.console, parseBootStage),
      engine: {
        ping: () =>
          engine.answers && driver.world.runState === 'running'
            ? Promise.resolve({ clockOffsetMs: 0 })
            : Promise.reject(new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'no answer', '')),
        version: () => {
          engine.failsVersion -= 1;
          return engine.answers && engine.failsVersion < 0
            ? Promise.resolve({ version: '26', apiVersion: '1.45' })
            : Promise.reject(new MobyvmError('MOBYVM_ENGINE_UNREACHABLE', 'too slow', ''));
        },
      },
      containers: () => Promise.resolve([]),
      vmUsage: () => Promise.resolve({ processorSeconds: performance.now() / 5_000, memoryBytes: 1.5e9 }),
      logger: silentLogger,
      onBug: (bug) => {
        throw bug;
      },
      hostSize: { memoryMiB: 4096, processors: 2 },
      loadSettings: () =>
        Promise.resolve(settingsSchema.parse({ machine: { onDown: 'stop' }, ...file.content })),
      applySettings: (settings) => applied.push(settings),
      installation: () => [notingResource(world, 'image', 'installation')],
      files: () => [notingResource(world, 'secrets', 'installation')],
      dataDisk: {
        exists: () => Promise.resolve(driver.world.disks.has('/data')),
        usedBytes: () => Promise.resolve(driver.world.disks.has('/data') ? 3e9 : undefined),
        remove: () => Promise.resolve(driver.world.disks.delete('/data')),
      },
      specFor: ({ vm }) => ({
        machineId: MACHINE_ID,
        name: 'MobyLinuxVM',
        cpus: vm.cpus,
        memoryMiB: vm.memoryMiB,
        firmware: firmwareFor(vm.firmware, 'linux'),
        isoPath: '/mobyvm.iso',
        dataDisk: { path: '/data', sizeGiB: vm.diskGiB },
        network: { attachment: 'tap0', mac: parseMac('02:00:00:00:00:01') },
        awaitsConfiguration: true,
      }),
      about: {
        daemon: {
          ...{ pid: 1, version: '0', startedAt: '2026-01-01T00:00:00.000Z', isBackground: true },
          ...{ stateDir: '/s', logDir: '/l', settingsFile: '/settings.json' },
        },
        machineId: MACHINE_ID,
        mac: '02:00:00:00:00:01',
        endpoint: '/run/docker.sock',
      },
    },
    settingsSchema.parse(file.content),
  );
  const perform = async (operation: Operation): Promise<OperationEvent[]> => {
    const events: OperationEvent[] = [];
    await machine.operate(operation, ME, (event) => events.push(event));
    return events;
  };
  const operate = (name: OperationName, keepData = false): Promise<OperationEvent[]> =>
    perform(name === 'uninstall' ? { name, keepData } : { name });
  return {
    machine,
    driver,
    world,
    engine,
    operate,
    perform,
    file,
    applied,
    network,
    obstacles,
    given,
    record,
    shares,
    ports,
  };
}

/** A resource that notes what happens to it, and that a test can make vanish. */
function notingResource(
  world: string[],
  id: string,
  lifetime: ManagedResource['lifetime'],
): ManagedResource & { isThere: boolean; broken: Error | undefined } {
  const resource = {
    id,
    title: id,
    lifetime,
    isRepaired: lifetime === 'machine',
    isThere: false,
    broken: undefined as Error | undefined,
    plan: () => Promise.resolve({ kind: resource.isThere ? ('none' as const) : ('create' as const) }),
    ensure: ({ onFailure }: Parameters<ManagedResource['ensure']>[0]) => {
      if (resource.broken !== undefined) return Promise.reject(resource.broken);
      if (resource.isThere) return Promise.resolve('none' as const);
      resource.isThere = true;
      world.push(`${id} up`);
      onFailure(() => {
        resource.isThere = false;
        world.push(`${id} undone`);
        return Promise.resolve();
      });
      return Promise.resolve('create' as const);
    },
    remove: () => {
      const outcome = resource.isThere ? ('remove' as const) : ('none' as const);
      resource.isThere = false;
      world.push(`${id} removed`);
      return Promise.resolve(outcome);
    },
  };
  return resource;
}

function noting(world: string[], thing: string, what: string): Step {
  return {
    id: thing,
    title: thing,
    run: ({ onFailure }) => {
      world.push(`${thing} ${what}`);
      onFailure(() => Promise.resolve(void world.push(`${thing} undone`)));
      return Promise.resolve('create');
    },
  };
}
