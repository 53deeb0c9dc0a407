import { randomUUID } from 'node:crypto';
import { INTEGRATION_SERVICES } from '../../../src/vm/index.js';
import { FakeAgent, type AgentAnswer } from '../kvp-fake/index.js';
import { ScriptedWmi } from '../kvp-wmi.js';
import type { SimulatedMachine } from './simulated-machine.js';

/** What the guest prints on its console while it boots, one line after the other. */
export const BOOT_LINES: readonly string[] = [
  'UEFI firmware',
  '[mobyvm 1.00] initramfs: looking for the boot medium',
  '[mobyvm 2.00] init: OpenRC starts',
  '[mobyvm 3.00] engine: ready',
];
/** Its KVP service and its agent run from this line on. */
const AGENT_FROM = 3;
const INTRINSIC = [
  ['OSName', 'Simulated Linux'],
  ['NetworkAddressIPv4', '10.0.75.2'],
] as const;

export interface SimulatedGuestOptions {
  /** The requests that its agent knows; only the configuration if absent. */
  readonly requests?: readonly string[];
  /** Answers a request; accepts it if absent. Undefined: the agent dies over it and never answers. */
  readonly answer?: (name: string, body: Uint8Array) => AgentAnswer | undefined;
}

/**
 * The guest in a simulated machine: it prints its boot on the COM port, and from some line on its agent
 * answers requests of the key-value exchange. A saved machine keeps its guest; a boot begins with empty pools
 * and another boot id.
 *
 * Set as `SimulatedHost.guest` before the machine is created.
 */
export class SimulatedGuest {
  readonly #options: SimulatedGuestOptions;
  /** Hyper-V's side of the exchange. */
  readonly wmi = new ScriptedWmi(INTRINSIC);
  bootId: string | undefined;
  #agent: FakeAgent | undefined;

  constructor(options: SimulatedGuestOptions = {}) {
    this.#options = options;
    this.wmi.isReady = false;
  }

  /** The names of the requests that its agent has acted on since its boot. */
  get acted(): readonly string[] {
    return this.#agent?.acted ?? [];
  }

  /** A machine boots, with this guest in it. */
  boots(machine: SimulatedMachine): void {
    this.#stop();
    machine.kvp = this.wmi;
    this.bootId = randomUUID();
  }

  /** It has printed so many lines of its boot. */
  hasSaid(lines: number, machine: SimulatedMachine): void {
    if (lines !== AGENT_FROM || !hasExchange(machine)) return;
    this.wmi.isReady = true;
    const { requests = ['mobyvm.config'], answer = () => ({ ok: true }) } = this.#options;
    this.#agent = new FakeAgent(this.wmi, requests, answer, this.bootId);
  }

  /** The machine is off. */
  ends(): void {
    this.#stop();
    this.bootId = undefined;
  }

  #stop(): void {
    this.#agent?.stop();
    this.#agent = undefined;
    this.wmi.isReady = false;
    this.wmi.guest.clear();
  }
}

/** Whether the machine's integration service for the exchange is enabled. */
function hasExchange({ services }: SimulatedMachine): boolean {
  const wanted = INTEGRATION_SERVICES.keyValueExchange.toUpperCase();
  return services.some(({ id, isEnabled }) => id.endsWith(wanted) && isEnabled);
}
