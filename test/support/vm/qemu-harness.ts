import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, silentLogger } from '../../../src/core/host/index.js';
import { errnoOf } from '../../../src/core/values/index.js';
import { QemuDriver, type QemuDriverOptions, type VmSpec } from '../../../src/vm/index.js';
// Finds the processes independently of the driver.
import { findMachineProcesses } from '../../../src/vm/qemu/machine-process.js';
import { NetworkNamespace } from '../netns.js';
import { SAMPLE_SPEC } from './sample-spec.js';
import { TINY_GUEST_LISTENS_FROM, tinyGuestCount, writeTinyGuest } from './tiny-guest.js';
import { until, type VmHarness } from './vm-harness.js';

const TAP = 'tap0';

/** A machine with its own folder and network namespace. */
export class QemuHarness implements VmHarness {
  readonly driver: QemuDriver;
  readonly spec: VmSpec;
  readonly #drivers: QemuDriver[] = [];

  private constructor(
    readonly folder: string,
    readonly namespace: NetworkNamespace,
    readonly options: QemuDriverOptions,
    spec: Partial<VmSpec>,
  ) {
    this.spec = {
      ...SAMPLE_SPEC,
      machineId: randomUUID(),
      name: `mobyvm test ${process.pid}, tiny`,
      cpus: 1,
      memoryMiB: 64,
      isoPath: join(folder, 'tiny, guest.iso'),
      dataDisk: { path: join(folder, 'data, disk.qcow2'), sizeGiB: 1 },
      network: { ...SAMPLE_SPEC.network, attachment: TAP },
      ...spec,
    };
    this.driver = this.another();
  }

  static async create(
    spec: Partial<VmSpec> = {},
    more: Partial<QemuDriverOptions> = {},
  ): Promise<QemuHarness> {
    const folder = await mkdtemp(join(tmpdir(), `mvt${process.pid}-`));
    const namespace = await NetworkNamespace.create('vm');
    try {
      await namespace.addBridge('mobyvm0', ['10.0.75.1/24']);
      await namespace.ip('tuntap', 'add', TAP, 'mode', 'tap');
      await namespace.ip('link', 'set', TAP, 'master', 'mobyvm0', 'up');
      await mkdir(join(folder, 'logs'));
      const harness = new QemuHarness(folder, namespace, { ...optionsIn(folder, namespace), ...more }, spec);
      if (spec.isoPath === undefined) await writeTinyGuest(harness.spec.isoPath);
      return harness;
    } catch (error) {
      await namespace[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  another(more: Partial<QemuDriverOptions> = {}): QemuDriver {
    const driver = new QemuDriver({ ...this.options, ...more });
    this.#drivers.push(driver);
    return driver;
  }

  /** Where a test's DHCP server may keep its leases. */
  get leasesPath(): string {
    return join(this.folder, 'leases');
  }

  /** The pids of all QEMU processes that run this machine. */
  async pids(): Promise<readonly number[]> {
    return (await findMachineProcesses(this.spec.machineId)).map((sight) => sight.pid);
  }

  async crash(): Promise<void> {
    await this.signal('SIGKILL');
  }

  async freeze(): Promise<void> {
    await this.signal('SIGSTOP');
  }

  async signal(name: NodeJS.Signals): Promise<void> {
    for (const pid of await this.pids()) process.kill(pid, name);
  }

  async diskGiB(): Promise<number | undefined> {
    const { path } = this.spec.dataDisk;
    if (!(await exists(path))) return undefined;
    const { stdout } = await run('qemu-img', ['info', '-U', '--output=json', path]);
    return (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size'] / 1024 ** 3;
  }

  /** The tiny guest's last count; 0 before the first. */
  async count(): Promise<number> {
    const counts = (await this.driver.console.tail(50)).map(tinyGuestCount);
    return counts.findLast((count) => count !== undefined) ?? 0;
  }

  async untilGuestListens(): Promise<void> {
    await until('the tiny guest to listen', async () => (await this.count()) >= TINY_GUEST_LISTENS_FROM, 60);
  }

  async traces(): Promise<readonly string[]> {
    const files = await readdir(this.folder, { recursive: true });
    const given = [this.spec.isoPath, this.spec.dataDisk.path, join(this.folder, 'logs'), this.leasesPath];
    return [
      ...files.map((file) => join(this.folder, file)).filter((path) => !given.includes(path)),
      ...(await this.pids()).map((pid) => `process ${pid}`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#drivers) await driver.close();
    await this.signal('SIGKILL');
    await until('the processes to exit', async () => (await this.pids()).length === 0);
    await this.namespace[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function optionsIn(folder: string, namespace: NetworkNamespace): QemuDriverOptions {
  return {
    stateDirectory: join(folder, "state, of 'it' $HOME"),
    runDirectory: join(folder, 'run, 1'),
    consoleLogPath: join(folder, 'logs', 'console, 1.log'),
    qemuLogPath: join(folder, 'logs', 'qemu.log'),
    logger: silentLogger,
    commandPrefix: ['ip', 'netns', 'exec', namespace.name],
    forcedAccelerator: 'tcg',
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
