import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CallCount } from '../support/hyperv-host/counting-power-shell.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { WholeMachine } from '../support/hyperv-host/whole-machine.js';
import { until } from '../support/vm/vm-harness.js';

const signal = new AbortController().signal;
const context = { signal, progress: () => undefined, onFailure: () => undefined };
/** Longer than the test: the watcher's own looks would be counted too. */
const LOOK_SECONDS = 60;

let host: SimulatedHost;
let count: CallCount;
let whole: WholeMachine;

beforeEach(async () => {
  host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  count = new CallCount();
  const powerShell = count.over(new SimulatedPowerShell(host.answer));
  whole = await WholeMachine.create(host, powerShell, { lookSeconds: LOOK_SECONDS });
});
afterEach(() => whole.dispose());

/** As the daemon brings it up: it looks at the machine, then runs the steps. */
async function up(): Promise<void> {
  await whole.driver.state(signal);
  await whole.up();
}

async function status(): Promise<void> {
  await whole.driver.state(signal);
  await whole.driver.runningSpec();
}

async function down(): Promise<void> {
  await whole.driver.stop({ gracefulSeconds: 20 }, context);
}

/** Prints the number of PowerShell calls, and what they were. */
async function callsOf(what: string, work: () => Promise<void>): Promise<number> {
  count.reset();
  await work();
  const lines = count.byPipeline.map(([pipeline, calls]) => `  ${calls} ${pipeline}`);
  process.stdout.write(`${what}: ${count.total} PowerShell calls\n${lines.join('\n')}\n`);
  return count.total;
}

describe('on a Windows host', () => {
  it('the first up, which creates everything, takes at most 30 calls', async () => {
    expect(await callsOf('first up', up)).toBeLessThanOrEqual(30);
  });

  it('an up of a running machine takes at most 8 calls, and changes nothing', async () => {
    await up();
    const before = host.calls.length;
    expect(await callsOf('up of a running machine', up)).toBeLessThanOrEqual(8);
    expect(host.calls.slice(before).filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
  });

  it('an up of a machine that is off takes at most 12 calls', async () => {
    await up();
    await whole.driver.powerOff(context);
    expect(await callsOf('up of a machine that is off', up)).toBeLessThanOrEqual(12);
  });

  it('a status takes one call', async () => {
    await up();
    expect(await callsOf('status', status)).toBe(1);
  });

  it('a down of a guest that shuts down at once takes 3 calls', async () => {
    await up();
    await until('the guest to listen', () => host.machines[0]?.hearsShutdown === true);
    expect(await callsOf('down', down)).toBe(3);
  });

  it('a machine whose GUID is known is found without listing all machines', async () => {
    await up();
    expect(count.byPipeline.map(([pipeline]) => pipeline)).toContain('Get-VM');
    await callsOf('status, down, up and removal', async () => {
      await status();
      await down();
      await up();
      await whole.driver.save(context);
      await whole.driver.restore(context);
    });
    expect(count.byPipeline.map(([pipeline]) => pipeline)).not.toContain('Get-VM');
  });
});

it('a change made by another program between define and start is detected and corrected', async () => {
  await whole.up();
  await whole.driver.powerOff(context);
  await whole.driver.define(whole.spec, context);
  await whole.driver.start(context);
  await whole.driver.powerOff(context);
  const [machine] = host.machines;
  machine!.cpus = 7;
  await whole.driver.start(context);
  expect(machine).toMatchObject({ cpus: whole.spec.cpus, state: 'Running' });
});
