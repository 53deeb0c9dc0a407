import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { HypervHarness } from '../support/vm/hyperv-harness.js';
import { describeStalls, describeVmDriver } from './vm-driver.js';

describeVmDriver('the Hyper-V driver on a simulated host', make);
describeStalls('the Hyper-V driver on a simulated host', make);

function make(): Promise<HypervHarness> {
  const host = new SimulatedHost();
  host.network.addSwitch('mobyvm', '');
  return HypervHarness.create(host, new SimulatedPowerShell(host.answer));
}
