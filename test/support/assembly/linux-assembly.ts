import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { MobyvmError } from '../../../src/core/values/index.js';
import type {
  MachinePlatform,
  MachinePlatformOptions,
} from '../../../src/daemon/host-side/machine-platform.js';
import { linuxMachine } from '../../../src/daemon/linux/linux-machine.js';
import { FakeAgent, FakeKvp } from '../kvp-fake/index.js';
import { FakeDriver, FakeWorld, type FakeDriverOptions } from '../vm-fake/index.js';
import { AssembledInstance, type InstancePlaces } from './assembled-instance.js';

/** Data disks that are empty files: `uninstall` checks for one. */
class DisksOnDisk extends Map<string, number> {
  override set(path: string, sizeGiB: number): this {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    return super.set(path, sizeGiB);
  }

  override delete(path: string): boolean {
    rmSync(path, { force: true });
    return super.delete(path);
  }
}

class WorldOnDisk extends FakeWorld {
  override readonly disks: Map<string, number> = new DisksOnDisk();
}

/**
 * The machine on Linux, in the network namespace of this process: the real bridge, rules and tap device, with a driver
 * whose VM exists in memory and with its guest's side of the key-value exchange.
 */
export class LinuxAssembly extends AssembledInstance {
  readonly world: FakeWorld = new WorldOnDisk();
  /** How often the VM has booted. */
  boots = 0;
  readonly #failures: NonNullable<FakeDriverOptions['failAt']> = {};

  private constructor(places: InstancePlaces) {
    super(places);
    this.world.lineListeners.add((line) => {
      if (line.startsWith('SeaBIOS')) this.boots += 1;
    });
  }

  static async create(): Promise<LinuxAssembly> {
    const assembly = new LinuxAssembly(await AssembledInstance.places());
    await assembly.restartDaemon();
    return assembly;
  }

  refuseStarts(refuses: boolean): void {
    const failures = this.#failures;
    if (refuses) {
      failures.start = new MobyvmError('MOBYVM_VM_START', 'No VM may start.', 'Allow it.');
      failures.restore = failures.start;
    } else {
      delete failures.start;
      delete failures.restore;
    }
  }

  protected platformOf(options: MachinePlatformOptions): MachinePlatform {
    const driver = new FakeDriver({ world: this.world, failAt: this.#failures });
    const exchange = new FakeKvp();
    const agent = new FakeAgent(exchange, ['mobyvm.config', 'mobyvm.time', 'mobyvm.sync'], () => ({
      ok: true,
    }));
    return {
      ...linuxMachine(options),
      driver,
      exchange,
      close: async () => {
        agent.stop();
        await exchange.close();
        await driver.close();
      },
    };
  }
}
