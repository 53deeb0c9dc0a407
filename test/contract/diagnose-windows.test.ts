import { afterEach, beforeEach, expect, it } from 'vitest';
import { report } from '../../src/daemon/diagnose/report.plan.js';
import { runProbes } from '../../src/daemon/diagnose/run-probes.js';
import { windowsProbes } from '../../src/daemon/diagnose/windows-probes.js';
import { FAULTS, HostFailure } from '../support/hyperv-host/host-failure.js';
import { addMachine } from '../support/hyperv-host/host-with-machine.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { SystemPrograms } from '../support/hyperv-host/system-programs.js';

let programs: SystemPrograms;
beforeEach(async () => (programs = await SystemPrograms.create()));
afterEach(() => programs[Symbol.asyncDispose]());

/** What the simulated host does not have. */
const NOT_SIMULATED = ['file-systems', 'hyperv-kvp', 'ipconfig', 'route-print', 'netstat'];

const options = { totalSeconds: 60, signal: new AbortController().signal, nowMs: () => performance.now() };

it('the tables of a Windows host are read without changing anything', async () => {
  const host = new SimulatedHost();
  const before = host.snapshot();
  const powerShell = new SimulatedPowerShell(host.answer);
  const outcomes = await runProbes(windowsProbes({ powerShell, systemProgram: programs.place }), options);
  const ok = outcomes.filter(({ verdict }) => verdict === 'ok').map(({ id }) => id);
  expect(ok).toEqual(
    expect.arrayContaining([
      'vms',
      'switches',
      'nat',
      'adapters',
      'addresses',
      'routes',
      'tcp-ports',
      'udp-ports',
    ]),
  );
  expect(outcomes.filter(({ verdict }) => verdict !== 'ok').map(({ id }) => id)).toEqual(NOT_SIMULATED);
  expect(host.snapshot()).toEqual(before);
  expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
});

it("what mobyvm's own machine says of itself is read, and what its name says is secret is masked", async () => {
  const host = new SimulatedHost();
  addMachine(host, 'foreign').notes = 'of another product';
  const own = addMachine(host);
  own.kvp?.guest.set('db-password', 'hunter2-planted');
  own.kvp?.guest.set('state', 'ready');
  const powerShell = new SimulatedPowerShell(host.answer);
  const outcomes = await runProbes(windowsProbes({ powerShell, systemProgram: programs.place }), options);
  const found = outcomes.find(({ id }) => id === 'hyperv-kvp');
  expect(found?.verdict).toBe('ok');
  const { data } = report(found!, { known: [] });
  expect(data).toEqual([
    {
      machine: 'mobyvm',
      guest: [
        { name: 'db-password', value: '***' },
        { name: 'state', value: 'ready' },
      ],
      intrinsic: expect.arrayContaining([{ name: 'OSName', value: 'Moby Linux' }]) as unknown,
    },
  ]);
});

it('without the modules of Hyper-V, each table says so and the others are read', async () => {
  const host = new SimulatedHost();
  const missing = new HostFailure({ ...FAULTS.error, errorId: 'CommandNotFoundException' });
  const powerShell = new SimulatedPowerShell((call) =>
    /^Get-VM|^Get-NetNat/.test(call.command)
      ? { kind: 'failure', failure: missing.failure }
      : host.answer(call),
  );
  const outcomes = await runProbes(windowsProbes({ powerShell, systemProgram: programs.place }), options);
  const of = (id: string) => outcomes.find((each) => each.id === id);
  for (const id of ['vms', 'switches', 'nat']) expect(of(id), id).toMatchObject({ verdict: 'failed' });
  for (const id of ['routes', 'reserved-tcp']) expect(of(id), id).toMatchObject({ verdict: 'ok' });
});
