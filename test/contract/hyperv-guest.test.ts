import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  applyConfiguration,
  guestPresence,
  HypervKvpExchange,
  PowerShellWmi,
  type GuestConfiguration,
} from '../../src/kvp/index.js';
import { SimulatedGuest } from '../support/hyperv-host/simulated-guest.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { WholeMachine } from '../support/hyperv-host/whole-machine.js';
import { until } from '../support/vm/vm-harness.js';

const signal = new AbortController().signal;
const CONFIGURATION: GuestConfiguration = { token: 'tell-nobody-0123456789', hostName: 'moby' };
const context = { signal, progress: () => undefined, onFailure: () => undefined };

let host: SimulatedHost;
let guest: SimulatedGuest;
let bodies: string[];
let whole: WholeMachine;
let exchange: HypervKvpExchange;

beforeEach(async () => {
  host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  bodies = [];
  guest = new SimulatedGuest({
    answer: (_name, body) => {
      bodies.push(new TextDecoder().decode(body));
      return { ok: true };
    },
  });
  host.guest = guest;
  const powerShell = new SimulatedPowerShell(host.answer);
  whole = await WholeMachine.create(host, powerShell);
  const wmi = new PowerShellWmi({ powerShell, machineGuid: () => whole.driver.machineGuid() });
  exchange = new HypervKvpExchange(wmi, { readySeconds: 1 });
});
afterEach(async () => {
  await exchange.close();
  await whole.dispose();
});

const presence = () => guestPresence(exchange, { timeoutSeconds: 10 }, signal);

it('a machine prints its boot messages, applies its configuration, and shuts down', async () => {
  await whole.up();
  expect(await presence()).toMatchObject({ bootId: guest.bootId });
  await applyConfiguration(exchange, CONFIGURATION, { timeoutSeconds: 10, signal });
  expect(guest.acted).toEqual(['mobyvm.config']);
  expect(bodies).toHaveLength(1);
  expect((await exchange.list('host', signal)).items).toEqual([]);
  expect(await exchange.get('intrinsic', 'NetworkAddressIPv4', signal)).toBe('10.0.75.2');
  await until('the end of the boot', async () =>
    (await whole.driver.console.tail(10)).includes('[mobyvm 3.00] engine: ready'),
  );
  await whole.driver.stop({ gracefulSeconds: 20 }, context);
  expect(await whole.driver.state(signal)).toBe('off');
  await expect(exchange.list('guest', signal)).rejects.toMatchObject({ code: 'MOBYVM_KVP_NOT_READY' });
});

it('a restored machine has the same guest, a rebooted one has a new guest', async () => {
  await whole.up();
  const { bootId } = await presence();
  await whole.driver.save(context);
  await whole.driver.restore(context);
  expect(await presence()).toMatchObject({ bootId });
  await whole.driver.powerOff(context);
  await whole.up();
  expect((await presence()).bootId).not.toBe(bootId);
});

it('the exchange works only because up enables its integration service', async () => {
  await whole.up();
  await presence();
  await whole.driver.powerOff(context);
  const [machine] = host.machines;
  machine!.services.forEach((each) => (each.isEnabled = false));
  machine!.run(true);
  await whole.driver.state(signal);
  await until('the end of the boot', () => machine!.hearsShutdown);
  await expect(exchange.set([{ name: 'mobyvm.token', value: 'x' }], signal)).rejects.toMatchObject({
    code: 'MOBYVM_KVP_NOT_READY',
  });
});

it('the exchange and a later daemon know the GUID of the machine without asking Hyper-V for it', async () => {
  expect(await whole.driver.machineGuid()).toBeUndefined();
  await whole.up();
  const calls = host.calls.length;
  expect(await whole.driver.machineGuid()).toBe(host.machines[0]?.id);
  expect(host.calls).toHaveLength(calls);
  await whole.uninstall();
  expect(await whole.driver.machineGuid()).toBeUndefined();
});
