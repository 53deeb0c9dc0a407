import { afterEach, expect, it } from 'vitest';
import { HypervKvpExchange, PowerShellWmi } from '../../src/kvp/index.js';
import { PowerShellSession, PowerShellSessions } from '../../src/powershell/index.js';
import { SimulatedGuest } from '../support/hyperv-host/simulated-guest.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { WholeMachine } from '../support/hyperv-host/whole-machine.js';
import { consoleProgram } from '../support/pwsh-host/console-program.js';
import { StubHost } from '../support/pwsh-host/stub-host.js';
import { until } from '../support/vm/vm-harness.js';

const signal = AbortSignal.timeout(300_000);
const context = { signal, progress: () => undefined, onFailure: () => undefined };
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it('a hanging Start-VM delays neither a status query nor the key-value exchange', async () => {
  const executable = await consoleProgram();
  const host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  host.guest = new SimulatedGuest();
  let hangs = false;
  const stubs = await StubHost.start((call) => {
    const answer = host.answer(call);
    return hangs && call.command === 'Start-VM' ? { kind: 'hang' } : answer;
  });
  cleanUps.push(() => stubs.stop());
  const sessions = new PowerShellSessions(
    () => new PowerShellSession({ executable, env: { ...process.env, ...stubs.env } }),
  );
  cleanUps.push(() => sessions.close());
  const whole = await WholeMachine.create(host, sessions.for('look'), {
    lifePowerShell: sessions.for('life'),
  });
  cleanUps.push(() => whole.dispose());
  const wmi = new PowerShellWmi({
    powerShell: sessions.for('exchange'),
    machineGuid: () => whole.driver.machineGuid(),
  });
  const exchange = new HypervKvpExchange(wmi);
  cleanUps.push(() => exchange.close());

  await whole.up();
  await whole.driver.powerOff(context);
  hangs = true;
  const abort = new AbortController();
  const starting = whole.driver.start({ ...context, signal: abort.signal });
  await until('the start', () => host.machines[0]?.state === 'Running', 60);
  // Each of them would wait for the end of Start-VM in its session.
  expect(await whole.driver.state(signal)).toBe('running');
  await until('the agent', () => host.guest?.wmi.isReady === true, 60);
  await exchange.set([{ name: 'note', value: 'here' }], signal);
  expect((await exchange.list('host', signal)).items).toMatchObject([{ name: 'note', value: 'here' }]);
  abort.abort();
  await expect(starting).rejects.toMatchObject({ name: 'AbortError' });
}, 300_000);
