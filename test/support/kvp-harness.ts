import {
  HypervKvpExchange,
  PowerShellWmi,
  QemuKvpExchange,
  type KvpExchange,
  type WmiKvp,
} from '../../src/kvp/index.js';
import { FakeKvp, type GuestSide } from './kvp-fake/index.js';
import { waitFor } from '../../src/core/host/index.js';
import type { PowerShell } from '../../src/powershell/index.js';
import { SimulatedHost } from './hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from './hyperv-host/simulated-power-shell.js';
import { SimulatedGuest } from './kvp-guest.js';
import { ScriptedWmi } from './kvp-wmi.js';

export interface KvpHarness extends AsyncDisposable {
  readonly exchange: KvpExchange;
  readonly guest: GuestSide;
  /** Whether a KVP service answers in the guest. */
  setReady(isReady: boolean): void;
  /** The guest is off, then boots: its pools are empty and nobody answers until `setReady(true)`. */
  reboot(): void;
  /** Until a call has met a guest that is not ready. */
  untilAsked(): Promise<void>;
}

export const INTRINSIC = [
  ['OSName', 'Debian GNU/Linux'],
  ['NetworkAddressIPv4', '10.0.75.2'],
] as const;

/** Enough for what answers at once, short for what never does. */
export const READY_SECONDS = 1;

export function fakeHarness(): Promise<KvpHarness> {
  const exchange = new FakeKvp({ readySeconds: READY_SECONDS, intrinsic: Object.fromEntries(INTRINSIC) });
  return Promise.resolve({
    exchange,
    guest: exchange,
    setReady: (isReady: boolean) => void (exchange.isReady = isReady),
    reboot: () => void (exchange.isReady = false),
    untilAsked: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => exchange.close(),
  });
}

export function hypervHarness(): Promise<KvpHarness> {
  const wmi = new ScriptedWmi(INTRINSIC);
  return hypervHarnessOver(wmi, wmi);
}

/** Through WMI's cmdlets, on a simulated host. */
export function powerShellHarness(
  powerShellOf: (host: SimulatedHost) => PowerShell = (host) => new SimulatedPowerShell(host.answer),
): Promise<KvpHarness> {
  const wmi = new ScriptedWmi(INTRINSIC);
  const host = new SimulatedHost();
  host.answer({ command: 'New-VM', parameters: { Name: 'x', MemoryStartupBytes: 1 } });
  const [machine] = host.machines;
  if (machine === undefined) throw new Error('no machine');
  machine.kvp = wmi;
  machine.state = 'Running';
  const machineGuid = () => Promise.resolve(machine.id);
  return hypervHarnessOver(wmi, new PowerShellWmi({ powerShell: powerShellOf(host), machineGuid }));
}

function hypervHarnessOver(wmi: ScriptedWmi, through: WmiKvp): Promise<KvpHarness> {
  const exchange = new HypervKvpExchange(through, { readySeconds: READY_SECONDS });
  const setReady = (isReady: boolean): void => {
    wmi.isReady = isReady;
    wmi.isRunning = isReady;
  };
  return Promise.resolve({
    exchange,
    guest: wmi,
    setReady,
    reboot: () => setReady(false),
    untilAsked: () => until('a call', () => wmi.callsUnready > 0),
    [Symbol.asyncDispose]: () => exchange.close(),
  });
}

export const FAST_SOCKET = { quietMs: 5, answerMs: 400, restMs: 100, openMs: 2_000 };

export async function qemuHarness(): Promise<KvpHarness> {
  const guest = await SimulatedGuest.listen(INTRINSIC);
  const exchange = new QemuKvpExchange({
    ...{ socketPath: guest.path, readySeconds: READY_SECONDS, socketTiming: { quietMs: 5 } },
  });
  return {
    exchange,
    guest,
    setReady: (isReady) => void (guest.isReady = isReady),
    reboot: () => {
      guest.isReady = false;
      guest.forget();
    },
    untilAsked: () => until('a request', () => guest.requestsUnready > 0),
    async [Symbol.asyncDispose]() {
      await exchange.close();
      await guest[Symbol.asyncDispose]();
      if (guest.violations.length > 0) throw new AggregateError([], guest.violations.join(', '));
    },
  };
}

export const NEVER = new AbortController().signal;

/** Polls until it holds. */
export function until(title: string, holds: () => boolean): Promise<void> {
  return waitFor(
    { title, check: () => Promise.resolve(holds()), timeoutSeconds: 20, hint: 'none', everyMs: 5 },
    NEVER,
  );
}
