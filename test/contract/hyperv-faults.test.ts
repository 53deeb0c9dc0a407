import { describe, expect, it } from 'vitest';
import { FAULT_KINDS, faultsOfUninstall, faultsOfUp } from '../support/hyperv-host/fault-matrix.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { WholeMachine } from '../support/hyperv-host/whole-machine.js';

const overSimulation = (answer: SimulatedHost['answer']): SimulatedPowerShell =>
  new SimulatedPowerShell(answer);
/** Each cmdlet of an `up` is one run; there are about 45. */
const FEWEST_CALLS = 40;
/** Every call goes wrong once, in a world of its own: seconds on an idle machine. */
const MATRIX_MS = 180_000;

describe.each(FAULT_KINDS)('any call that fails with "%s"', (kind) => {
  it(
    'during up is undone without a trace, reported with a remedy, and the next up works',
    async () => {
      const { runs, failedRuns, problems } = await faultsOfUp(kind, overSimulation);
      expect(problems).toEqual([]);
      // Only what changes something can be without effect.
      const fewest = kind === 'nothing' ? 8 : FEWEST_CALLS;
      expect(runs).toBeGreaterThan(fewest);
      expect(failedRuns).toBeGreaterThan(fewest);
    },
    MATRIX_MS,
  );

  it(
    'during an uninstall is reported, and the next uninstall leaves nothing',
    async () => {
      const { runs, problems } = await faultsOfUninstall(kind, overSimulation);
      expect(problems).toEqual([]);
      expect(runs).toBeGreaterThan(kind === 'nothing' ? 3 : 10);
    },
    MATRIX_MS,
  );
});

describe('the whole life cycle', () => {
  it('leaves other machines, switches and rules on the host unchanged', async () => {
    const host = new SimulatedHost();
    host.network.addSwitch('Default Switch', 'Windows made it');
    host.firewall.rules.set('mobyvm-other', {
      Name: 'mobyvm-other',
      Group: 'mobyvm',
      Description: 'of another',
    });
    const whole = await WholeMachine.create(host, new SimulatedPowerShell(host.answer));
    host.answer({
      command: 'New-VM',
      parameters: { Name: 'MobyLinuxVM', MemoryStartupBytes: 1, Generation: '1' },
    });
    try {
      const before = await whole.world();
      await whole.up();
      await whole.up();
      expect(host.machines.map(({ state }) => state)).toEqual(['Off', 'Running']);
      await whole.uninstall();
      expect(await whole.world()).toEqual(before);
    } finally {
      await whole.dispose();
    }
  });
});
