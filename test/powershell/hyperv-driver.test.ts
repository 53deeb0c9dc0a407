import { beforeAll } from 'vitest';
import { PowerShellSession, type PowerShell } from '../../src/powershell/index.js';
import { describeStalls, describeVmDriver } from '../contract/vm-driver.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { consoleProgram } from '../support/pwsh-host/console-program.js';
import { StubHost } from '../support/pwsh-host/stub-host.js';
import { HypervHarness } from '../support/vm/hyperv-harness.js';

let executable: string;
beforeAll(async () => {
  executable = await consoleProgram();
});

describeVmDriver("the Hyper-V driver through PowerShell's engine", make);
describeStalls("the Hyper-V driver through PowerShell's engine", make);

async function make(): Promise<HypervHarness> {
  const host = new SimulatedHost();
  host.network.addSwitch('mobyvm', '');
  const stubs = await StubHost.start(host.answer);
  const session = new PowerShellSession({ executable, env: { ...process.env, ...stubs.env } });
  const powerShell: PowerShell = {
    read: (query, options) => session.read(query, options),
    run: (pipeline, options) => session.run(pipeline, options),
    close: async () => {
      await session.close();
      await stubs.stop();
    },
  };
  return HypervHarness.create(host, powerShell, 0.1);
}
