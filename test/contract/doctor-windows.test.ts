import { expect, it } from 'vitest';
import { parseSubnet } from '../../src/core/index.js';
import { gatherWindowsFacts } from '../../src/daemon/doctor/gather-windows.js';
import { windowsFindings } from '../../src/daemon/doctor/windows-findings.plan.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';

const wants = { memoryMiB: 2_048, subnet: parseSubnet('10.0.75.0/24'), switchName: 'mobyvm' };
const identity = () => Promise.resolve({ version: '5.1', edition: 'Desktop', languageMode: 'FullLanguage' });
/** Programs and places of Windows that are not on this machine. */
const ELSEWHERE = ['hypervisor-launch', 'reserved-ports', 'pipes'];

async function findingsOf(host: SimulatedHost) {
  const powerShell = new SimulatedPowerShell(host.answer);
  const signal = new AbortController().signal;
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
  expect(findings.filter(({ verdict }) => verdict !== 'fine')).toEqual([]);
  expect(host.snapshot()).toEqual(before);
  expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
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
