import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSubnet } from '../../src/core/values/index.js';
import { gatherWindowsFacts } from '../../src/daemon/doctor/gather-windows.js';
import { windowsFindings } from '../../src/daemon/doctor/windows-findings.plan.js';
import { PowerShellSession, type PowerShell } from '../../src/powershell/index.js';
import { compactDataDisk } from '../../src/vm/index.js';
import { FAULT_KINDS, faultsOfUninstall, faultsOfUp } from '../support/hyperv-host/fault-matrix.js';
import { cmdletsOf, Recording } from '../support/hyperv-host/recording-power-shell.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { SystemPrograms } from '../support/hyperv-host/system-programs.js';
import { SWITCH, WholeMachine } from '../support/hyperv-host/whole-machine.js';
import { consoleProgram, HAS_LANGUAGE_SWITCH, LANGUAGE_MODES } from '../support/pwsh-host/console-program.js';
import type { AnswerCmdlet, HostObject } from '../support/pwsh-host/stub-calls.js';
import { StubHost } from '../support/pwsh-host/stub-host.js';

const PROGRAM = 'C:\\Program Files\\mobyvm\\node.exe';
const signal = AbortSignal.timeout(600_000);
const context = { signal, progress: () => undefined, onFailure: () => undefined };
let executable: string;
let answer: AnswerCmdlet = () => ({ kind: 'rows', rows: [] });
let stubs: StubHost;
let session: PowerShellSession;

beforeAll(async () => {
  executable = await consoleProgram();
  stubs = await StubHost.start((call) => answer(call));
  session = new PowerShellSession({ executable, env: { ...process.env, ...stubs.env } });
});
afterAll(async () => {
  await session.close();
  await stubs.stop();
});

describe("the whole life cycle in PowerShell's engine", () => {
  const lives = LANGUAGE_MODES.flatMap((mode) =>
    (['uefi', 'bios'] as const).map((firmware) => ({ mode, firmware })),
  );
  it.each(lives)(
    'in $mode, with $firmware, from up to uninstall, leaves nothing',
    async ({ mode, firmware }) => {
      const host = new SimulatedHost();
      ({ answer } = host);
      const env = { ...process.env, ...stubs.env, PWSH_HOST_LANGUAGE_MODE: mode };
      const own = new PowerShellSession({ executable, env });
      const whole = await WholeMachine.create(host, own, { spec: { firmware } });
      const { driver } = whole;
      try {
        expect(await own.identity({ signal })).toMatchObject({ languageMode: mode });
        const before = await whole.world();
        await whole.up();
        const once = host.calls.length;
        await whole.up();
        // The second one has only looked.
        expect(host.calls.slice(once).filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
        await driver.save(context);
        await driver.restore(context);
        await driver.stop({ gracefulSeconds: 20 }, context);
        await whole.up({ ...whole.spec, cpus: 3, memoryMiB: 4_096 });
        expect(host.machines[0]).toMatchObject({ cpus: 3, memoryBytes: 4_096 * 1024 ** 2, state: 'Running' });
        await whole.uninstall();
        expect(await whole.world()).toEqual(before);
      } finally {
        await whole.dispose();
        await own.close();
      }
    },
  );

  it('recreates the machine with the other generation and keeps its disk', async () => {
    const host = new SimulatedHost();
    ({ answer } = host);
    const whole = await WholeMachine.create(host, session);
    try {
      await whole.up();
      await whole.driver.powerOff(context);
      await whole.up({ ...whole.spec, firmware: 'bios' });
      expect(host.machines.map(({ generation, disks }) => [generation, disks])).toEqual([
        [1, [whole.spec.dataDisk.path]],
      ]);
      await whole.uninstall();
    } finally {
      await whole.dispose();
    }
  }, 300_000);
});

it('a machine that was changed by hand is corrected', async () => {
  const host = new SimulatedHost();
  ({ answer } = host);
  const whole = await WholeMachine.create(host, session);
  try {
    await whole.up();
    await repairByUp(whole, host);
    const [machine] = host.machines;
    expect(machine?.bootOrder[0]).toMatchObject({ BootType: 'Drive', Device: { Path: whole.spec.isoPath } });
    expect(machine?.adapters).toMatchObject([{ switchName: SWITCH, isDynamic: false }]);
    expect(machine?.dvds).toEqual(['drivers.iso', whole.spec.isoPath]);
    await whole.uninstall();
  } finally {
    await whole.dispose();
  }
});

describe('calls that are rare or made only after failures', () => {
  it('are all bound by the engine', async () => {
    const recording = new Recording();
    const over = (ask: AnswerCmdlet) => recording.over(new SimulatedPowerShell(ask));
    for (const kind of FAULT_KINDS) {
      await faultsOfUp(kind, over);
      await faultsOfUninstall(kind, over);
    }
    await rarely(over);
    const unbound: unknown[] = [];
    for (const pipeline of recording.pipelines) {
      const [where] = pipeline.flatMap((stage) => ('where' in stage ? [stage] : []));
      const row: HostObject = {
        Id: '{2a34b1c2-fd73-4043-8a5b-dd2159bc743f}',
        ...(where && { [where.where]: where.equals }),
      };
      answer = () => ({ kind: 'rows', rows: [row] });
      stubs.calls.length = 0;
      await session.run(pipeline, { signal }).catch((error: unknown) => unbound.push(pipeline, error));
      expect(stubs.calls.map(({ command }) => command).sort()).toEqual([...cmdletsOf(pipeline)].sort());
    }
    expect(unbound).toEqual([]);
    expect(recording.pipelines.length).toBeGreaterThan(35);
  }, 300_000);
});

it.runIf(HAS_LANGUAGE_SWITCH).each(['error', 'denied'] as const)(
  'if a call fails in the engine ("%s"), `up` leaves nothing behind and the next one works',
  async (kind) => {
    const over = (ask: AnswerCmdlet): PowerShell => {
      answer = ask;
      return session;
    };
    const { runs, failedRuns, problems } = await faultsOfUp(kind, over, 8);
    expect(problems).toEqual([]);
    expect(runs).toBeGreaterThan(4);
    expect(failedRuns).toBeGreaterThan(2);
  },
  300_000,
);

it('every call of doctor is bound by the engine, and its output understood', async () => {
  await using programs = await SystemPrograms.create();
  const host = new SimulatedHost();
  host.firewall.rules.set('allowed', {
    ...{ Name: 'allowed', DisplayName: 'allowed', Program: PROGRAM },
    ...{ Enabled: 'True', Direction: 'Inbound', Action: 'Allow' },
  });
  ({ answer } = host);
  const facts = await gatherWindowsFacts({
    ...{ powerShell: session, systemProgram: programs.place, stateDir: '/', signal },
    program: PROGRAM,
    identity: () => session.identity({ signal }),
  });
  const findings = windowsFindings(facts, {
    settings: { known: { memoryMiB: 2_048, subnet: parseSubnet('10.0.75.0/24') } },
    machineSubnet: { known: 'none' },
    switchName: 'mobyvm',
    program: PROGRAM,
    machineFolder: 'C:\\ProgramData\\mobyvm\\vm',
    daemonRuns: false,
  });
  // The folder of pipes is not on this machine.
  expect(findings.filter(({ verdict }) => verdict === 'unknown')).toMatchObject([{ id: 'pipes' }]);
  expect(findings.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
});

/** A second drive that boots first, and an adapter elsewhere; then a replaced disk, no DVD drive, and no adapter. */
async function repairByUp(whole: WholeMachine, { machines: [machine] }: SimulatedHost): Promise<void> {
  await whole.driver.powerOff(context);
  machine?.dvds.unshift(undefined);
  machine?.bootOrder.reverse();
  machine?.adapters.forEach((each) => Object.assign(each, { switchName: undefined, mac: '00155D000001' }));
  await whole.up();
  await whole.driver.powerOff(context);
  machine?.adapters.splice(0);
  machine?.dvds.splice(0, 2, 'drivers.iso');
  await rename(whole.spec.dataDisk.path, join(whole.folder, 'moved.vhdx'));
  await whole.up();
}

/** What no `up` and no uninstall of a healthy host sends. */
async function rarely(over: (ask: AnswerCmdlet) => PowerShell): Promise<void> {
  const host = new SimulatedHost();
  host.network.tentativeLooks = 0;
  const powerShell = over(host.answer);
  const whole = await WholeMachine.create(host, powerShell);
  try {
    host.system.services.forEach((service) => (service.State = 'Stopped'));
    host.network.addSwitch('earlier', `mobyvm:${whole.spec.machineId}`, 'Private');
    await whole.up();
    host.machines.forEach((machine) => (machine.stuck = 'error'));
    await whole.driver.powerOff(context);
    await compactDataDisk(powerShell, whole.spec.dataDisk.path, context);
    await whole.up({ ...whole.spec, dataDisk: { ...whole.spec.dataDisk, sizeGiB: 3 } });
    host.machines.forEach((machine) => (machine.state = 'Paused'));
    await whole.driver.start(context);
    await repairByUp(whole, host);
    host.system.services.length = 0;
    await expect(whole.up()).rejects.toMatchObject({ code: 'MOBYVM_HYPERV' });
  } finally {
    await whole.dispose();
  }
}
