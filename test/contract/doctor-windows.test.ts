import { expect, it } from 'vitest';
import { parseSubnet } from '../../src/core/index.js';
import { gatherWindowsFacts } from '../../src/daemon/doctor/gather-windows.js';
import { windowsFindings } from '../../src/daemon/doctor/windows-findings.plan.js';
import { FAULTS, HostFailure } from '../support/hyperv-host/host-failure.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';

const wants = { memoryMiB: 2_048, subnet: parseSubnet('10.0.75.0/24'), switchName: 'mobyvm' };
const signal = new AbortController().signal;
const identity = () => Promise.resolve({ version: '5.1', edition: 'Desktop', languageMode: 'FullLanguage' });
/** Programs and places of Windows that are not on this machine. */
const ELSEWHERE = ['hypervisor-launch', 'reserved-ports', 'pipes'];

async function findingsOf(host: SimulatedHost) {
  const powerShell = new SimulatedPowerShell(host.answer);
  const facts = await gatherWindowsFacts({
    powerShell,
    identity,
    stateDir: '/var/lib/mobyvm/not/there',
    signal,
  });
  return windowsFindings(facts, wants).filter(({ id }) => !ELSEWHERE.includes(id));
}

it('doctor finds nothing on a healthy host, and changes nothing', async () => {
  const host = new SimulatedHost();
  const before = host.snapshot();
  const findings = await findingsOf(host);
  const told = findings.filter(({ verdict }) => verdict !== 'fine').map(({ id, verdict }) => [id, verdict]);
  // The Default Switch's name server has port 53, which is as Windows is.
  expect(told).toEqual([['ports', 'notice']]);
  expect(host.snapshot()).toEqual(before);
  expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
});

it('doctor tells apart a module that is missing, one that may not be loaded, and one that is fine', async () => {
  const host = new SimulatedHost();
  const failing = new Map<string, HostFailure>([
    ['Get-VM', new HostFailure({ ...FAULTS.error, errorId: 'CommandNotFoundException' })],
    ['Get-NetNat', new HostFailure({ ...FAULTS.error, category: 'SecurityError' })],
    ['Get-NetAdapter', new HostFailure(FAULTS.denied)],
  ]);
  const powerShell = new SimulatedPowerShell((call) => {
    const failure = failing.get(call.command);
    return failure === undefined ? host.answer(call) : { kind: 'failure', failure: failure.failure };
  });
  const { modules } = await gatherWindowsFacts({ powerShell, identity, stateDir: '/', signal });
  expect(modules).toEqual({
    known: [
      { name: 'Hyper-V', state: 'missing' },
      { name: 'NetNat', state: 'forbidden' },
    ],
  });
});

it('doctor asks nothing of a PowerShell that cannot be started, and says so of all it would have asked', async () => {
  const host = new SimulatedHost();
  const facts = await gatherWindowsFacts({
    ...{ powerShell: new SimulatedPowerShell(host.answer), stateDir: '/', signal },
    identity: () => Promise.reject(new Error('a policy')),
  });
  expect(facts).toMatchObject({
    shell: { unknown: 'a policy' },
    nats: { unknown: 'PowerShell cannot be used' },
  });
  expect(host.calls).toEqual([]);
});

it('doctor goes on when a look fails, and says what it could not see', async () => {
  const host = new SimulatedHost();
  host.system.feature = undefined;
  host.system.services.length = 0;
  host.system.cim.delete('Win32_OperatingSystem');
  const verdicts = new Map((await findingsOf(host)).map(({ id, verdict }) => [id, verdict]));
  expect(Object.fromEntries(verdicts)).toMatchObject({
    ...{ windows: 'unknown', memory: 'unknown', 'hyperv-feature': 'unknown', vmms: 'problem', wmi: 'fine' },
  });
});
