import { join } from 'node:path';
import { SerialQueue } from '../../../src/core/host/index.js';
import { textOf } from '../../../src/core/values/index.js';
import { Bound } from '../hyperv-host/bound.js';
import { FAULTS } from '../hyperv-host/host-failure.js';
import { SimulatedHost } from '../hyperv-host/simulated-host.js';
import type { NetworkNamespace } from '../netns.js';
import type { BoundCall, HostAnswer } from '../pwsh-host/stub-calls.js';
import { diskFiles } from './disk-files.js';
import { NamespaceNetwork } from './namespace-network.js';
import { QemuMachine } from './qemu-machine.js';
import { SambaShares } from './samba-shares.js';

/**
 * The simulated Windows host with everything real that a machine needs: QEMU runs its guest, the key-value exchange reaches it,
 * its network is in a network namespace, and Samba serves its shares. A call is answered when what it has started is done.
 */
export class QemuHost implements AsyncDisposable {
  readonly simulated: SimulatedHost;
  readonly network: NamespaceNetwork;
  /** Effects that failed, with the reason. */
  readonly failures: string[] = [];
  readonly #folder: string;
  readonly #shares: SambaShares;
  readonly #machines = new Set<QemuMachine>();
  readonly #turns = new SerialQueue();
  readonly #signal = new AbortController().signal;

  /** @param folder with a short path */
  constructor(namespace: NetworkNamespace, folder: string) {
    this.#folder = join(folder, 'vm');
    this.network = new NamespaceNetwork(namespace);
    this.#shares = new SambaShares(namespace, folder);
    this.simulated = new SimulatedHost({
      disks: diskFiles,
      createMachine: (...args) => {
        const made = new QemuMachine({ folder: this.#folder, network: this.network }, ...args);
        this.#machines.add(made);
        return made;
      },
    });
    this.simulated.network.tentativeLooks = 0;
  }

  /** The console of its machine. */
  get consoleSocket(): string {
    return QemuMachine.consoleSocketIn(this.#folder);
  }

  readonly answer = (call: BoundCall): Promise<HostAnswer> =>
    this.#turns.run(() => this.#answer(call), this.#signal);

  async #answer(call: BoundCall): Promise<HostAnswer> {
    try {
      await this.#lookForGuests(call);
      const answer = this.simulated.answer(call);
      await this.#settle();
      return answer;
    } catch (error) {
      this.failures.push(`${call.command}: ${textOf(error)}`);
      return { kind: 'failure', failure: { ...FAULTS.error, message: textOf(error) } };
    }
  }

  /** The last lines of the consoles of its machines. */
  async consoles(lines: number): Promise<readonly string[]> {
    return (await Promise.all([...this.#machines].map((each) => each.tail(lines)))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#machines) await each.remove();
    this.#machines.clear();
    await this.#shares.remove();
  }

  async #lookForGuests(call: BoundCall): Promise<void> {
    const look = kvpCall(new Bound(call));
    if (look === undefined) return;
    for (const each of this.#machines) {
      if (!each.isOn) continue;
      if (look === 'reads') await each.wmi.lookForItems();
      else await each.wmi.lookForGuest();
    }
  }

  async #settle(): Promise<void> {
    for (const each of this.#machines) {
      if (!this.simulated.machines.includes(each)) {
        this.#machines.delete(each);
        await each.remove();
        continue;
      }
      await each.settled();
      await each.wmi.settled();
    }
    await this.network.apply(this.simulated.network);
    await this.#shares.apply(this.simulated.fileSharing);
  }
}

function kvpCall(bound: Bound): 'reads' | 'changes' | undefined {
  if (bound.command === 'Get-CimInstance' && bound.optionalText('ClassName') === 'Msvm_KvpExchangeComponent')
    return 'reads';
  const isMethod = bound.command === 'Invoke-CimMethod';
  return isMethod && bound.text('MethodName').endsWith('KvpItems') ? 'changes' : undefined;
}
