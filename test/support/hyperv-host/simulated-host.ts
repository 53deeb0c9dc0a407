import type { AnswerCmdlet, BoundCall, HostAnswer, HostObject } from '../pwsh-host/stub-calls.js';
import { Bound, type Handlers } from './bound.js';
import { cimCmdlets } from './cim-cmdlets.js';
import { diskCmdlets } from './disk-cmdlets.js';
import { FAULTS, HostFailure, outOfMemory } from './host-failure.js';
import { SimulatedFileSharing } from './file-sharing-cmdlets.js';
import { SimulatedFirewall } from './firewall-cmdlets.js';
import { machineCmdlets, type MachineWorld } from './machine-cmdlets.js';
import { SimulatedNetwork } from './network-cmdlets.js';
import { SimulatedSystem } from './system-cmdlets.js';
import type { SimulatedGuest } from './simulated-guest.js';
import { SimulatedMachine, type CreateMachine } from './simulated-machine.js';

/**
 * `nothing`: it says that it is done, and has done nothing. `late`: it does it, and never answers.
 * `afterwards`: it never answers, and does it when the call was given up and everything undone.
 */
export type Fault = keyof typeof FAULTS | 'hang' | 'late' | 'afterwards' | 'nothing';

/** What a host has in place of the simulation. */
export interface HostParts {
  readonly createMachine?: CreateMachine;
  readonly disks?: Handlers;
}

/**
 * A Windows host with Hyper-V, in memory: what it answers to the cmdlets that mobyvm calls, in German.
 * Virtual disks and the consoles' pipes are real files and sockets.
 */
export class SimulatedHost implements MachineWorld {
  readonly machines: SimulatedMachine[] = [];
  readonly network = new SimulatedNetwork();
  readonly firewall = new SimulatedFirewall();
  readonly fileSharing = new SimulatedFileSharing();
  readonly system = new SimulatedSystem();
  guest: SimulatedGuest | undefined;
  isDiskFull = false;
  /** Every call, in its order. */
  readonly calls: BoundCall[] = [];
  /** A call to come goes wrong: the nth from now on, counted from 0. */
  fault: { nth: number; readonly kind: Fault } | undefined;
  /** Cmdlets that fail each time, for want of memory. */
  readonly refused = new Set<string>();
  /** The cmdlet that the last fault met. */
  faulted: string | undefined;
  #afterwards: (() => void) | undefined;
  readonly createMachine: CreateMachine;
  readonly #handlers: Handlers;

  constructor({ createMachine, disks }: HostParts = {}) {
    this.createMachine = createMachine ?? ((...args) => new SimulatedMachine(...args));
    this.#handlers = {
      ...machineCmdlets(this),
      ...diskCmdlets((path) => this.machines.some(({ isOn, disks }) => isOn && disks.includes(path))),
      ...disks,
      ...cimCmdlets(this.machines, this.system, this.network),
      ...this.system.handlers(),
      ...this.network.handlers(),
      ...this.firewall.handlers(),
      ...this.fileSharing.handlers(),
    };
  }

  readonly answer: AnswerCmdlet = (call) => {
    this.calls.push(call);
    if (this.refused.has(call.command)) return { kind: 'failure', failure: outOfMemory().failure };
    const fault = this.#nextFault(call);
    if (fault === 'afterwards') this.#afterwards = () => void this.#perform(call);
    if (fault === 'hang' || fault === 'afterwards') return { kind: 'hang' };
    if (fault === 'nothing') return { kind: 'rows', rows: [] };
    if (fault !== undefined && fault !== 'late') return { kind: 'failure', failure: FAULTS[fault] };
    const answer = this.#perform(call);
    return fault === 'late' ? { kind: 'hang' } : answer;
  };

  /** What a call that was given up still brings about happens now, if it can. */
  doAfterwards(): void {
    try {
      this.#afterwards?.();
    } catch {
      // What it needed has gone since.
    }
    this.#afterwards = undefined;
  }

  /** Everything that is there, as plain data. */
  snapshot(): HostObject {
    return {
      machines: this.machines.map((each) => each.object()),
      network: this.network.snapshot(),
      firewall: [...this.firewall.rules.values()],
      fileSharing: this.fileSharing.snapshot(),
    };
  }

  /** Its machines end. */
  close(): void {
    for (const each of this.machines) each.end('Off');
  }

  #perform(call: BoundCall): HostAnswer {
    const handler = this.#handlers[call.command];
    if (handler === undefined) throw new Error(`the simulated host does not know ${call.command}`);
    try {
      return { kind: 'rows', rows: handler(new Bound(call)) };
    } catch (error) {
      if (error instanceof HostFailure) return { kind: 'failure', failure: error.failure };
      throw error;
    }
  }

  #nextFault({ command }: BoundCall): Fault | undefined {
    if (this.fault === undefined) return undefined;
    // What only reads cannot pretend to have done something.
    if (this.fault.kind === 'nothing' && command.startsWith('Get-')) return undefined;
    this.fault.nth -= 1;
    if (this.fault.nth >= 0) return undefined;
    const { kind } = this.fault;
    this.faulted = command;
    this.fault = undefined;
    return kind;
  }
}
