import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryLedger, silentLogger } from '../../../src/core/host/index.js';
import type { PowerShell } from '../../../src/powershell/index.js';
import { HypervDriver, type VmSpec } from '../../../src/vm/index.js';
import type { StallingHarness } from '../../contract/vm-driver.js';
import { diskBytes } from '../hyperv-host/disk-cmdlets.js';
import type { SimulatedHost } from '../hyperv-host/simulated-host.js';
import type { SimulatedMachine } from '../hyperv-host/simulated-machine.js';
import { SAMPLE_SPEC } from './sample-spec.js';
import { until } from './vm-harness.js';

const GIB = 1024 ** 3;

/** A machine of a simulated Hyper-V in its own folder. */
export class HypervHarness implements StallingHarness {
  readonly driver: HypervDriver;
  readonly ledger = memoryLedger();
  readonly spec: VmSpec;
  readonly #drivers: HypervDriver[] = [];

  private constructor(
    readonly folder: string,
    readonly host: SimulatedHost,
    readonly powerShell: PowerShell,
    readonly lookSeconds: number,
  ) {
    this.spec = {
      ...SAMPLE_SPEC,
      machineId: randomUUID(),
      firmware: 'uefi',
      isoPath: join(folder, 'mobyvm.iso'),
      dataDisk: { path: join(folder, 'data.vhdx'), sizeGiB: 2 },
      network: { ...SAMPLE_SPEC.network, attachment: 'mobyvm' },
    };
    this.driver = this.another();
  }

  static async create(
    host: SimulatedHost,
    powerShell: PowerShell,
    lookSeconds = 0.02,
  ): Promise<HypervHarness> {
    const folder = await mkdtemp(join(tmpdir(), 'mvh-'));
    await mkdir(join(folder, 'logs'));
    return new HypervHarness(folder, host, powerShell, lookSeconds);
  }

  another(): HypervDriver {
    const { folder, host, powerShell, lookSeconds } = this;
    const driver = new HypervDriver({
      powerShell,
      lifePowerShell: powerShell,
      lookSeconds,
      machineId: this.spec.machineId,
      ledger: this.ledger,
      stateDirectory: join(folder, 'state'),
      consoleLogPath: join(folder, 'logs/console.log'),
      consolePipe: join(folder, 'com1.sock'),
      logger: silentLogger,
      freeBytes: () => Promise.resolve(host.isDiskFull ? 0 : GIB),
    });
    this.#drivers.push(driver);
    return driver;
  }

  get machine(): SimulatedMachine {
    const [found] = this.host.machines;
    if (found === undefined) throw new Error('the simulated host has no machine');
    return found;
  }

  crash(): Promise<void> {
    this.machine.end('Off');
    return Promise.resolve();
  }

  freeze(): Promise<void> {
    this.machine.state = 'RunningCritical';
    return Promise.resolve();
  }

  fillDisk(): Promise<void> {
    this.host.isDiskFull = true;
    this.machine.state = 'PausedCritical';
    return Promise.resolve();
  }

  makeRoom(): Promise<void> {
    this.host.isDiskFull = false;
    return Promise.resolve();
  }

  diskGiB(): Promise<number | undefined> {
    const { path } = this.spec.dataDisk;
    return Promise.resolve(existsSync(path) ? diskBytes(path) / GIB : undefined);
  }

  untilGuestListens(): Promise<void> {
    return until('the simulated guest to listen', () => this.machine.hearsShutdown);
  }

  async traces(): Promise<readonly string[]> {
    const files = await readdir(this.folder, { recursive: true });
    const given = ['data.vhdx', 'logs'];
    return [
      ...files.filter((file) => !given.includes(file)),
      ...this.host.machines.map(({ name, state }) => `machine ${name}: ${state}`),
      ...(await this.ledger.list()).map(({ kind }) => `ledger: ${kind}`),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const driver of this.#drivers) await driver.close();
    this.host.close();
    await this.powerShell.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
