import { ScriptedWmi } from '../kvp-wmi.js';
import type { SimulatedHost } from './simulated-host.js';
import { SimulatedMachine } from './simulated-machine.js';

export const MACHINE_ID = '6d5c6f5e-58a1-4c11-9d5b-1f3c4f1b2a10';
export const TAG = `mobyvm:${MACHINE_ID}`;

/** Switch, address, NAT network and firewall rules as mobyvm makes them. */
export function addNetwork({ network, firewall }: SimulatedHost): void {
  network.addSwitch('mobyvm', TAG);
  const adapter = network.adapters.find(({ alias }) => alias === 'vEthernet (mobyvm)');
  if (adapter === undefined) throw new Error('the switch has no adapter');
  adapter.hasDhcp = false;
  adapter.addresses = [{ address: '10.0.75.1', prefixLength: 24, looksUntilUsable: 0 }];
  network.nats.push({ name: 'mobyvm', prefix: '10.0.75.0/24' });
  for (const id of ['services-udp', 'services-tcp'])
    firewall.rules.set(id, { Name: id, Group: 'mobyvm', Enabled: 'True', Action: 'Allow' });
}

/** A running machine with key-value items; nothing runs in it. */
export function addMachine(host: SimulatedHost, name = 'mobyvm'): SimulatedMachine {
  const machine = new SimulatedMachine(name, 2, `/hyper-v/${name}`, {
    ...{ memoryBytes: 2 * 1024 ** 3, switchName: 'mobyvm' },
  });
  machine.notes = `made by mobyvm ${TAG}`;
  machine.state = 'Running';
  machine.comPath = '\\\\.\\pipe\\mobyvm_console';
  machine.kvp = new ScriptedWmi([
    ['NetworkAddressIPv4', '10.0.75.2;172.17.0.1'],
    ['NetworkAddressIPv6', 'fe80::2'],
    ['OSName', 'Moby Linux'],
  ]);
  host.machines.push(machine);
  return machine;
}
