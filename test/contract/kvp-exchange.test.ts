import { fakeHarness, hypervHarness, powerShellHarness, qemuHarness } from '../support/kvp-harness.js';
import { describeKvpExchange } from './kvp-exchange.js';

describeKvpExchange('the fake exchange', fakeHarness);
describeKvpExchange('the Hyper-V exchange on a scripted host', hypervHarness);
describeKvpExchange('the Hyper-V exchange through the cmdlets of WMI', () => powerShellHarness());
describeKvpExchange('the QEMU exchange with a simulated guest', qemuHarness);
