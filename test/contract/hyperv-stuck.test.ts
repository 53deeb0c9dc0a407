import { describe, expect, it } from 'vitest';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { WholeMachine } from '../support/hyperv-host/whole-machine.js';

const context = {
  signal: new AbortController().signal,
  progress: () => undefined,
  onFailure: () => undefined,
};

async function running() {
  const host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  const whole = await WholeMachine.create(host, new SimulatedPowerShell(host.answer));
  await whole.up();
  const [machine] = host.machines;
  if (machine === undefined) throw new Error('no machine');
  return { host, whole, machine };
}

describe('a machine that Hyper-V cannot power off', () => {
  it.each(['error', 'silently'] as const)(
    '(%s) is stopped by killing its own worker process',
    async (stuck) => {
      const { host, whole, machine } = await running();
      host.answer({
        command: 'New-VM',
        parameters: { Name: 'other', MemoryStartupBytes: 1, Generation: '1' },
      });
      host.machines[1]?.run(true);
      try {
        machine.stuck = stuck;
        await whole.driver.powerOff(context);
        expect(host.machines.map(({ state }) => state)).toEqual(['Off', 'Running']);
      } finally {
        await whole.dispose();
      }
    },
  );

  it('can be removed, and started again', async () => {
    const { host, whole, machine } = await running();
    try {
      machine.stuck = 'error';
      await whole.driver.stop({ gracefulSeconds: 0 }, context);
      await whole.up();
      expect(machine.state).toBe('Running');
      await whole.uninstall();
      expect(host.machines).toEqual([]);
    } finally {
      await whole.dispose();
    }
  });
});

describe.each([
  ['Paused', 'start'],
  ['Saved', 'restore'],
  ['PausedCritical', 'start'],
] as const)('a machine that is found %s', (state, way) => {
  it(`is resumed by ${way}, and can be powered off`, async () => {
    const { whole, machine } = await running();
    try {
      machine.state = state;
      await whole.driver[way](context);
      expect(machine.state).toBe('Running');
      machine.state = state;
      await whole.driver.powerOff(context);
      expect(machine.state).toBe('Off');
    } finally {
      await whole.dispose();
    }
  });
});

describe.each([
  'Starting',
  'Stopping',
  'Saving',
  'Resuming',
  'RunningCritical',
  'SavedCritical',
  'SomethingNew',
])('a machine that stays %s', (state) => {
  it('can be powered off and removed', async () => {
    const { host, whole, machine } = await running();
    try {
      machine.state = state;
      await whole.driver.powerOff(context);
      expect(machine.state).toBe('Off');
      machine.state = state;
      await whole.uninstall();
      expect(host.machines).toEqual([]);
    } finally {
      await whole.dispose();
    }
  });
});
