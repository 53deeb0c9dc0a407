import { join } from 'node:path';
import { sleep } from '../../../src/core/host/index.js';
import type {
  MachinePlatform,
  MachinePlatformOptions,
} from '../../../src/daemon/host-side/machine-platform.js';
import { linuxPortFacts } from '../../../src/daemon/linux/port-facts.js';
import { windowsMachine } from '../../../src/daemon/windows/windows-machine.js';
import { PowerShellSessions } from '../../../src/powershell/index.js';
import { AssembledInstance, type InstancePlaces } from '../assembly/assembled-instance.js';
import { CallCount } from './counting-power-shell.js';
import { SimulatedGuest } from './simulated-guest.js';
import type { SimulatedHost } from './simulated-host.js';
import { SimulatedPowerShell } from './simulated-power-shell.js';

/** The machine on a simulated Windows host: Hyper-V driver, network and key-value exchange, with a simulated guest. */
export class SimulatedAssembly extends AssembledInstance {
  /** Bodies of the requests that the guest's agent answered. */
  readonly requests: string[] = [];
  /** PowerShell calls so far. */
  readonly calls = new CallCount();

  private constructor(
    places: InstancePlaces,
    readonly host: SimulatedHost,
    readonly lookSeconds: number,
  ) {
    super(places);
  }

  /** @param lookSeconds between two looks of the driver at a running VM */
  static async create(host: SimulatedHost, lookSeconds = 0.02): Promise<SimulatedAssembly> {
    const assembly = new SimulatedAssembly(await AssembledInstance.places(), host, lookSeconds);
    host.network.tentativeLooks = 0;
    host.guest = new SimulatedGuest({
      requests: ['mobyvm.config', 'mobyvm.time', 'mobyvm.sync'],
      answer: (name) => {
        assembly.requests.push(name);
        return { ok: true };
      },
    });
    await assembly.restartDaemon();
    return assembly;
  }

  /** Waits until PowerShell has not been called for a while: facts and time are exchanged after an `up`. */
  async settled(): Promise<void> {
    for (let last = -1; last !== this.calls.total;) {
      last = this.calls.total;
      await sleep(500);
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.host.close();
    await super[Symbol.asyncDispose]();
  }

  protected platformOf(options: MachinePlatformOptions): MachinePlatform {
    return windowsMachine({
      sessions: new PowerShellSessions(() => this.calls.over(new SimulatedPowerShell(this.host.answer))),
      program: 'C:\\Program Files\\mobyvm\\node.exe',
      portFacts: linuxPortFacts,
      joinPath: join,
      driver: { lookSeconds: this.lookSeconds, freeBytes: () => Promise.resolve(1024 ** 3) },
    })(options);
  }
}
