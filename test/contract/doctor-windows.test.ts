import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseSubnet } from '../../src/core/values/index.js';
import { causesFirst } from '../../src/daemon/doctor/causes.plan.js';
import { gatherWindowsFacts } from '../../src/daemon/doctor/gather-windows.js';
import { windowsFindings } from '../../src/daemon/doctor/windows-findings.plan.js';
import { examineHost } from '../../src/daemon/examine-host.js';
import { hostServices } from '../../src/daemon/host-services.js';
import { ProcessEnd } from '../../src/daemon/process-end.js';
import { linuxPaths } from '../../src/protocol/paths.js';
import { FAULTS, HostFailure } from '../support/hyperv-host/host-failure.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SimulatedPowerShell } from '../support/hyperv-host/simulated-power-shell.js';
import { SystemPrograms } from '../support/hyperv-host/system-programs.js';

const PROGRAM = 'C:\\mobyvm\\node.exe';

const wants = {
  settings: { known: { memoryMiB: 2_048, subnet: parseSubnet('10.0.75.0/24') } },
  machineSubnet: { known: 'none' as const },
  switchName: 'mobyvm',
  machineFolder: 'C:\\ProgramData\\mobyvm\\vm',
  program: PROGRAM,
  daemonRuns: false,
};
const signal = new AbortController().signal;
const identity = () =>
  Promise.resolve({
    version: '5.1',
    edition: 'Desktop',
    languageMode: 'FullLanguage',
    executionPolicy: 'RemoteSigned',
  });
/** Each takes PowerShell a tenth of a second at best. */
const MAX_CALLS = 22;
/** A place of Windows that is not on this machine. */
const ELSEWHERE = 'pipes';

let programs: SystemPrograms;
beforeEach(async () => (programs = await SystemPrograms.create()));
afterEach(() => programs[Symbol.asyncDispose]());

async function findingsOf(host: SimulatedHost) {
  const facts = await gatherWindowsFacts({
    ...{ powerShell: new SimulatedPowerShell(host.answer), identity, program: PROGRAM, signal },
    systemProgram: programs.place,
    stateDir: '/var/lib/mobyvm/not/there',
  });
  return windowsFindings(facts, wants).filter(({ id }) => id !== ELSEWHERE);
}

it('doctor finds no problem on a healthy host, and changes nothing', async () => {
  const host = new SimulatedHost();
  const before = host.snapshot();
  const findings = await findingsOf(host);
  const told = findings.filter(({ verdict }) => verdict !== 'fine').map(({ id, verdict }) => [id, verdict]);
  // The Default Switch's name server has port 53, which is as Windows is.
  expect(told).toEqual([['ports', 'notice']]);
  expect(host.snapshot()).toEqual(before);
  expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
  expect(host.calls.length).toBeLessThanOrEqual(MAX_CALLS);
});

it('doctor distinguishes modules that are missing, forbidden by a policy, and usable', async () => {
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
  const { modules } = await gatherWindowsFacts({
    ...{ powerShell, identity, systemProgram: programs.place, stateDir: '/', program: PROGRAM, signal },
  });
  expect(modules).toEqual({
    known: [
      { name: 'Hyper-V', state: 'missing' },
      { name: 'NetNat', state: 'forbidden' },
    ],
  });
});

it('doctor does not use a PowerShell that cannot be started, and reports every check that needs it as unknown', async () => {
  const host = new SimulatedHost();
  const facts = await gatherWindowsFacts({
    ...{
      powerShell: new SimulatedPowerShell(host.answer),
      systemProgram: programs.place,
      stateDir: '/',
      program: PROGRAM,
      signal,
    },
    identity: () => Promise.reject(new Error('a policy')),
  });
  expect(facts).toMatchObject({
    shell: { unknown: 'a policy' },
    nats: { unknown: 'PowerShell cannot be used' },
  });
  expect(host.calls).toEqual([]);
});

it('doctor continues after a failed check, and reports what it could not check', async () => {
  const host = new SimulatedHost();
  host.system.feature = undefined;
  host.system.services.length = 0;
  host.system.cim.delete('Win32_OperatingSystem');
  const verdicts = new Map((await findingsOf(host)).map(({ id, verdict }) => [id, verdict]));
  expect(Object.fromEntries(verdicts)).toMatchObject({
    ...{ windows: 'unknown', memory: 'unknown', 'hyperv-feature': 'unknown', vmms: 'problem', wmi: 'fine' },
  });
});

it('doctor without administrative rights says so once, and reports nothing as a problem that it merely cannot see', async () => {
  const host = new SimulatedHost();
  const denied = { kind: 'failure', failure: FAULTS.denied } as const;
  const elevation = { ...denied, failure: { ...FAULTS.error, hresult: 0x8007_02e4 } };
  await using plain = await SystemPrograms.create({ isElevated: false });
  const facts = await gatherWindowsFacts({
    ...{ identity, systemProgram: plain.place, stateDir: '/', program: PROGRAM, signal },
    powerShell: new SimulatedPowerShell((call) => {
      if (call.command === 'Get-WindowsOptionalFeature') return elevation;
      const isOfHyperv = call.parameters['Namespace'] !== undefined;
      return isOfHyperv || ['Get-VM', 'Get-NetNat'].includes(call.command) ? denied : host.answer(call);
    }),
  });
  const findings = windowsFindings(facts, wants).filter(({ id }) => id !== ELSEWHERE);
  expect(findings.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
  expect(findings[0]).toMatchObject({ id: 'rights', verdict: 'notice' });
  const unseen = findings.filter(({ verdict }) => verdict === 'unknown');
  expect(unseen.map(({ id }) => id)).toEqual([
    'hyperv-feature',
    'hypervisor-launch',
    'wmi',
    'twin-vm',
    'nat',
  ]);
  for (const { detail, remedy } of unseen)
    expect({ detail, remedy }).toEqual({
      detail: 'could not be checked: needs administrative rights',
      remedy: undefined,
    });
});

it('doctor never advises to run doctor', async () => {
  const host = new SimulatedHost();
  const facts = await gatherWindowsFacts({
    ...{ identity, systemProgram: programs.place, stateDir: '/', program: PROGRAM, signal },
    powerShell: new SimulatedPowerShell((call) =>
      call.command === 'Get-NetNat' ? { kind: 'failure', failure: FAULTS.error } : host.answer(call),
    ),
  });
  expect(facts.nats).toEqual({ unknown: expect.stringContaining('Unbekannter Fehler') as string });
});

it.each([
  [{ AllowInboundRules: 'False' }, 'takes no rules'],
  [{ AllowLocalFirewallRules: 'False' }, 'takes no rules of this machine'],
  [{ AllowInboundRules: 'False', Enabled: 'False' }, 'takes rules'],
])('with %j in the Public profile the firewall %s', async (settings, known) => {
  const host = new SimulatedHost();
  // What the others say does not matter to the switch.
  host.firewall.profiles.forEach((each) => Object.assign(each, { AllowInboundRules: 'False' }));
  Object.assign(host.firewall.profiles.at(-1)!, { AllowInboundRules: 'True', ...settings });
  const { firewall } = await gatherWindowsFacts({
    ...{ identity, systemProgram: programs.place, stateDir: '/', program: PROGRAM, signal },
    powerShell: new SimulatedPowerShell(host.answer),
  });
  expect(firewall).toEqual({ known });
});

it('doctor finds the rules that block what comes in to our program, and no others', async () => {
  const host = new SimulatedHost();
  const rule = (Name: string, more: object = {}): void =>
    void host.firewall.rules.set(Name, {
      ...{ Name, DisplayName: `rule ${Name}`, Program: PROGRAM.toUpperCase() },
      ...{ Enabled: 'True', Direction: 'Inbound', Action: 'Block', ...more },
    });
  rule('1');
  rule('2', { Enabled: 'False' });
  rule('3', { Direction: 'Outbound' });
  rule('4', { Action: 'Allow' });
  rule('5', { Program: 'C:\\other\\node.exe' });
  const { blockingRules } = await gatherWindowsFacts({
    ...{ identity, systemProgram: programs.place, stateDir: '/', program: PROGRAM, signal },
    powerShell: new SimulatedPowerShell(host.answer),
  });
  expect(blockingRules).toEqual({ known: [{ name: '1', title: 'rule 1' }] });
});

it.each([
  [
    'Running',
    'problem',
    /^"backup copy" in .* is a copy of mobyvm's VM and runs: both have the same address$/,
  ],
  ['Off', 'notice', /has the name or notes of mobyvm's VM, but is not its own$/],
])("doctor names a copy of mobyvm's VM that is %s as a %s", async (state, verdict, detail) => {
  const host = new SimulatedHost();
  const parameters = { Name: 'backup copy', MemoryStartupBytes: 1, Generation: '2', Path: 'D:\\backup' };
  host.answer({ command: 'New-VM', parameters });
  Object.assign(host.machines[0]!, { notes: 'mobyvm:0c6d1b0e-7a3f-4a57-9a5b-3f6f1f0a2b11', state });
  const told = causesFirst(await findingsOf(host)).filter((each) => each.verdict === verdict);
  if (verdict === 'problem') expect(told.map(({ id }) => id)).toEqual(['twin-vm']);
  expect(told.find(({ id }) => id === 'twin-vm')).toMatchObject({
    verdict,
    detail: expect.stringMatching(detail) as string,
  });
});

it('doctor explains on a host without Hyper-V all that follows from that', async () => {
  const host = new SimulatedHost();
  host.system.feature = 'Disabled';
  const vmms = host.system.services.findIndex(({ Name }) => Name === 'vmms');
  host.system.services.splice(vmms, 1);
  const [first, ...rest] = causesFirst(await findingsOf(host));
  expect(first).toMatchObject({ id: 'hyperv-feature', verdict: 'problem' });
  expect(rest.filter(({ verdict }) => verdict === 'problem')).toEqual([]);
  expect(rest.find(({ id }) => id === 'vmms')?.detail).toContain('because of "Hyper-V feature": disabled');
});

/** A host on which Windows itself answers nothing, with files of its own. */
async function onHost(files: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(join(tmpdir(), 'mobyvm-doctor-windows-'));
  const env = {
    MOBYVM_STATE_DIR: folder,
    MOBYVM_RUN_DIR: folder,
    MOBYVM_SETTINGS: join(folder, 'settings.json'),
  };
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    const paths = { ...linuxPaths(env), imageDir: join(folder, 'image') };
    const context = {
      ...hostServices('linux', { userId: process.getuid?.(), env }),
      ...{ paths, platform: 'windows' as const, env, commandLine: '', pid: process.pid, interrupted: signal },
      self: [process.execPath, 'main.js'] as const,
      processEnd: new ProcessEnd(process),
      printError: () => undefined,
      packageDir: join(folder, 'package'),
    };
    const findings = await examineHost(context, undefined);
    return (id: string) => findings.find((each) => each.id === id);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const manifestOf = (content: string): string =>
  JSON.stringify({
    ...{ schemaVersion: 1, recipe: 'alpine' },
    files: {
      'mobyvm.iso': { size: content.length, sha256: createHash('sha256').update(content).digest('hex') },
    },
  });

it('doctor names a boot image that is missing or corrupt, and a VM that is too large for the host', async () => {
  const missing = await onHost({});
  expect(missing('image')).toMatchObject({
    verdict: 'problem',
    detail: expect.stringMatching(/^There is no boot image: .* does not exist$/) as string,
  });
  expect(missing('size')).toMatchObject({ verdict: expect.stringMatching(/^(?:fine|notice)$/) as string });
  const corrupt = await onHost({
    ...{ 'image/manifest.json': manifestOf('as built'), 'image/mobyvm.iso': 'as burnt' },
    'settings.json': JSON.stringify({ vm: { memoryMiB: 1_048_576 } }),
  });
  expect(corrupt('image')).toMatchObject({
    verdict: 'problem',
    detail: expect.stringMatching(/its SHA-256 is .* and should be/) as string,
  });
  expect(corrupt('size')).toMatchObject({
    verdict: 'problem',
    detail: expect.stringContaining('vm.memoryMiB is 1048576') as string,
  });
});

it("doctor checks a package's boot image where it is before the first start, and its copy afterwards", async () => {
  const packaged = { 'package/image/manifest.json': manifestOf('as built') };
  const whole = await onHost({ ...packaged, 'package/image/mobyvm.iso': 'as built' });
  expect(whole('image')).toMatchObject({
    verdict: 'fine',
    detail: expect.stringMatching(/package\/image is complete$/) as string,
  });
  const broken = await onHost({ ...packaged, 'package/image/mobyvm.iso': 'as burnt' });
  expect(broken('image')).toMatchObject({ verdict: 'problem', remedy: 'Install mobyvm again.' });
  const version = createHash('sha256').update('as built').digest('hex').slice(0, 16);
  const copied = await onHost({
    ...{ ...packaged, 'package/image/mobyvm.iso': 'as built' },
    [`image/${version}/manifest.json`]: manifestOf('as built'),
    [`image/${version}/mobyvm.iso`]: 'as burnt',
  });
  expect(copied('image')).toMatchObject({
    verdict: 'problem',
    remedy: expect.stringContaining('it copies the image of the package again') as string,
  });
});

it('doctor with settings that cannot be read marks what depends on them as unknown', async () => {
  const of = await onHost({ 'settings.json': '{"vm":{"memoryMiB":"much"}}' });
  expect(of('settings')).toMatchObject({ verdict: 'problem' });
  for (const id of ['image', 'size', 'memory', 'subnet', 'ports'])
    expect(of(id), id).toMatchObject({
      verdict: 'unknown',
      detail: expect.stringContaining('because of "Settings"') as string,
    });
});
