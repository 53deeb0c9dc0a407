import { join } from 'node:path';
import { silentLogger, type EnsureContext } from '../../../src/core/host/index.js';
import { MobyvmError, parseMac, textOf } from '../../../src/core/values/index.js';
import { QemuKvpExchange } from '../../../src/kvp/index.js';
import { QemuDriver, type VmSpec } from '../../../src/vm/index.js';
import { SimulatedMachine } from '../hyperv-host/simulated-machine.js';
import { diskBytes } from './disk-files.js';
import { GuestWmi } from './guest-wmi.js';
import type { NamespaceNetwork } from './namespace-network.js';

const TAP = 'vmtap0';
const SHUTDOWN_SECONDS = 600;
/** A call of WMI says at once that the guest takes no part. */
const READY_SECONDS = 1;
const EXCHANGE_SECONDS = 30;
const CONTEXT: EnsureContext = {
  signal: new AbortController().signal,
  progress: () => undefined,
  onFailure: () => undefined,
};

export interface QemuMachinePlace {
  /** For its sockets and logs; its path must be short. */
  readonly folder: string;
  readonly network: NamespaceNetwork;
}

/** A machine of the simulated Hyper-V with a QEMU process behind it, which runs the real guest. */
export class QemuMachine extends SimulatedMachine {
  readonly wmi: GuestWmi;
  readonly #driver: QemuDriver;
  readonly #exchange: QemuKvpExchange;
  readonly #network: NamespaceNetwork;
  readonly #closed = new AbortController();
  #shutdown: AbortController | undefined;
  /** What the calls so far have started. */
  #effects: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(
    { folder, network }: QemuMachinePlace,
    ...args: ConstructorParameters<typeof SimulatedMachine>
  ) {
    super(...args);
    this.#network = network;
    this.#driver = new QemuDriver({
      stateDirectory: join(folder, 'state'),
      runDirectory: join(folder, 'run'),
      consoleLogPath: join(folder, 'console.log'),
      qemuLogPath: join(folder, 'qemu.log'),
      logger: silentLogger,
      machineId: this.id,
      commandPrefix: ['ip', 'netns', 'exec', network.namespace.name],
    });
    this.#driver.onExit(() => {
      if (!this.isOn) return;
      this.state = 'Off';
      this.#then(() => this.#network.removeTap(TAP));
    });
    this.#exchange = new QemuKvpExchange({
      socketPath: this.#driver.kvpSocketPath,
      readySeconds: READY_SECONDS,
      operationSeconds: EXCHANGE_SECONDS,
    });
    this.wmi = new GuestWmi(this.#exchange);
    this.kvp = this.wmi.scripted;
    // It ends when the exchange is closed.
    this.#exchange.keepItems(this.#closed.signal).catch(() => undefined);
  }

  /** Where the console is served while it runs. */
  static consoleSocketIn(folder: string): string {
    return join(folder, 'run/console.sock');
  }

  override run(isBoot: boolean): void {
    this.state = 'Running';
    this.hearsShutdown = true;
    this.#then(async () => {
      const attachment = await this.#network.addTap(TAP, this.#connectedAdapter().switchName ?? '');
      if (!isBoot) return this.#driver.restore(CONTEXT);
      await this.#driver.define(this.#spec(attachment), CONTEXT);
      await this.#driver.start(CONTEXT);
    });
  }

  override end(state: 'Off' | 'Saved'): void {
    this.state = state;
    this.#shutdown?.abort();
    this.#then(async () => {
      if (state === 'Saved') await this.#driver.save(CONTEXT);
      else await this.#driver.powerOff(CONTEXT);
      await this.#network.removeTap(TAP);
    });
  }

  override askToShutDown(): void {
    this.#shutdown = new AbortController();
    const context = { ...CONTEXT, signal: this.#shutdown.signal };
    void this.#driver.stop({ gracefulSeconds: SHUTDOWN_SECONDS }, context).catch(() => undefined);
  }

  /** Returns once everything is done that its calls have started. @throws what one of them has failed with */
  async settled(): Promise<void> {
    await this.#effects;
    const failure = this.#failure;
    if (failure === undefined) return;
    this.#failure = undefined;
    this.state = (await this.#driver.state(CONTEXT.signal)) === 'running' ? 'Running' : 'Off';
    throw new TypeError(textOf(failure), { cause: failure });
  }

  /** The last lines on its console. */
  tail(lines: number): Promise<readonly string[]> {
    return this.#driver.console.tail(lines);
  }

  /** Ends it and removes all but its disk. */
  async remove(): Promise<void> {
    this.#shutdown?.abort();
    await this.#effects;
    this.#closed.abort();
    await this.#exchange.close();
    await this.#driver.remove({ dataDisk: false }, CONTEXT);
    await this.#network.removeTap(TAP);
    await this.#driver.close();
  }

  #then(effect: () => Promise<void>): void {
    this.#effects = this.#effects.then(effect).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  #connectedAdapter() {
    const found = this.adapters.find(({ switchName }) => switchName !== undefined);
    if (found === undefined) throw incompleteError('network adapter');
    return found;
  }

  #spec(attachment: string): VmSpec {
    const [disk] = this.disks;
    const isoPath = this.dvds.find((path) => path !== undefined);
    if (disk === undefined || isoPath === undefined) throw incompleteError('disk');
    return {
      machineId: this.id,
      name: this.name,
      cpus: this.cpus,
      memoryMiB: this.memoryBytes / 1024 ** 2,
      firmware: this.generation === 1 ? 'bios' : 'uefi',
      isoPath,
      dataDisk: { path: disk, sizeGiB: diskBytes(disk) / 1024 ** 3 },
      network: { attachment, mac: parseMac(this.#connectedAdapter().mac) },
      awaitsConfiguration: true,
    };
  }
}

function incompleteError(part: string): MobyvmError {
  return new MobyvmError('MOBYVM_VM_START', `The machine has no ${part}.`, '');
}
