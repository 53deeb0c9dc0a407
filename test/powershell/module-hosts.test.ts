import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FAULTS } from '../support/hyperv-host/host-failure.js';
import { addMachine, addNetwork, TAG } from '../support/hyperv-host/host-with-machine.js';
import { RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { ModuleHost, type ScriptOptions } from '../support/pwsh-host/module-host.js';
import type { HostAnswer } from '../support/pwsh-host/stub-calls.js';

const READS =
  'Get-MobyVmStatus; Get-MobyVmKvp; Get-MobyVmSwitch; Test-MobyVmNetwork; Get-MobyVmPortOwner -Port 53, 50000; Get-MobyVmIPAddress; Get-MobyVmIntegrationService; Get-MobyVmComPort; Test-MobyVmShare; Get-MobyVmLog';
/** Those that ask the host, each with what it needs. */
const ASK_THE_HOST = [
  'Get-MobyVmStatus',
  'Get-MobyVmKvp',
  'Get-MobyVmSwitch',
  'Get-MobyVmIPAddress',
  'Get-MobyVmIntegrationService',
  'Get-MobyVmComPort',
  'Set-MobyVmKvp a b',
  'Remove-MobyVmKvp a',
];
const ASK_WINDOWS = ['Get-MobyVmPortOwner', 'Test-MobyVmShare', 'Repair-MobyVm'];
// Each starts PowerShell, or waits for programs that it starts.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
let module: ModuleHost;

beforeAll(async () => {
  if (RUNS_SCRIPTS) module = await ModuleHost.create();
});
afterAll(async () => {
  if (RUNS_SCRIPTS) await module[Symbol.asyncDispose]();
});
beforeEach(async () => {
  if (!RUNS_SCRIPTS) return;
  await module.reset();
  addNetwork(module.host);
  addMachine(module.host).kvp?.guest.set('mobyvm.guest', 'ready');
  const object = { Name: 'mobyvm-c', Path: module.logDir, Description: TAG };
  module.host.fileSharing.shares.set('mobyvm-c', {
    object,
    access: [{ account: 'mobyvm', right: 'Change' }],
  });
  const entry = { time: '2025-11-29T07:41:45.123Z', level: 'info', event: 'vm.started', ms: 1.5 };
  await writeFile(`${module.logDir}/daemon.log`, `${JSON.stringify(entry)}\n`);
});

/** Every text that a host shows, as a Japanese one has it. */
function inJapanese(answer: HostAnswer): HostAnswer {
  if (answer.kind === 'failure')
    return {
      kind: 'failure',
      failure: { ...answer.failure, message: '要求された操作に失敗しました。アクセスが拒否されました。' },
    };
  if (answer.kind !== 'rows') return answer;
  const rows = answer.rows.map((row) =>
    typeof row['Id'] === 'string' && row['Id'].startsWith('Microsoft:') && 'Enabled' in row
      ? { ...row, Name: 'データ交換' }
      : row,
  );
  return { ...answer, rows };
}

function deny(failure: Partial<(typeof FAULTS)['denied']> = {}): void {
  const denied: HostAnswer = { kind: 'failure', failure: { ...FAULTS.denied, ...failure } };
  module.answer = () => inJapanese(denied);
}

/** What tells nothing about the language: all but the names of services, and ids that differ each time. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (key, each: unknown) => (key === 'DisplayName' ? undefined : each));
  return JSON.parse(
    text
      .replaceAll(module.host.machines[0]?.id ?? '-', 'ID')
      .replaceAll(module.host.network.switches[0]?.id ?? '-', 'SWITCH'),
  );
}

describe.skipIf(!RUNS_SCRIPTS)('hosts in other languages', () => {
  let usual: unknown;
  it.each<[string, ScriptOptions & { readonly host?: 'Japanese' }]>([
    ['an American one', {}],
    ['a German one', { culture: 'de-DE' }],
    ['a Japanese one', { culture: 'ja-JP', host: 'Japanese' }],
    ['a Thai one, whose years are others', { culture: 'th-TH' }],
    ['a Turkish one in Constrained Language Mode', { culture: 'tr-TR', languageMode: 'ConstrainedLanguage' }],
  ])('%s gives the same objects', async (_, { host, ...options }) => {
    if (host === 'Japanese') {
      module.answer = (asked) => inJapanese(module.host.answer(asked));
      const text = '開始ポート    終了ポート\n----------    --------\n     50000       50059     *\n';
      await writeFile(module.systemProgram('netsh'), `#!/bin/sh\ncat <<'END'\n${text}END\n`, { mode: 0o755 });
    }
    const { objects, errors, warnings, languageMode } = await module.run(READS, options);
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
    expect(languageMode).toBe(options.languageMode ?? 'FullLanguage');
    usual ??= plain(objects);
    expect(plain(objects)).toEqual(usual);
    expect(objects.length).toBeGreaterThan(20);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('hosts that refuse', () => {
  it.each<[string, Partial<(typeof FAULTS)['denied']>]>([
    ['by the category', {}],
    ['by the error id', { category: 'NotSpecified', errorId: 'AccessDenied' }],
    [
      'by the HRESULT of WMI',
      { category: 'NotSpecified', errorId: 'HRESULT 0x80041003', hresult: 0x8004_1003 },
    ],
    ['by the HRESULT of Windows', { category: 'NotSpecified', errorId: 'Unspecified', hresult: 0x8007_0005 }],
  ])('every command says that it needs rights, %s', async (_, failure) => {
    deny(failure);
    const commands = [...ASK_THE_HOST, ...ASK_WINDOWS];
    const { errors } = await module.run(commands.join('; '), { culture: 'ja-JP' });
    expect(errors.map(({ id }) => id)).toEqual(
      commands.map((each) => `MobyVmAccessDenied,${each.split(' ')[0]}`),
    );
    for (const { category, remedy } of errors) {
      expect(category).toBe('PermissionDenied');
      expect(remedy).toContain('as administrator');
    }
  });

  it('what could not be checked is not taken for right', async () => {
    deny();
    expect(await module.objects('Test-MobyVmNetwork')).toMatchObject([{ Id: 'host', Verdict: 'unknown' }]);
    const { objects, errors } = await module.run('Test-MobyVmNetwork -Quiet');
    expect(objects.map(({ value }) => value)).toEqual([false]);
    expect(errors).toMatchObject([{ id: 'MobyVmAccessDenied,Test-MobyVmNetwork' }]);
  });

  it('-ErrorAction Stop ends a script, and other errors keep what Windows says', async () => {
    module.answer = () => ({ kind: 'failure', failure: FAULTS.error });
    const script =
      'try { Get-MobyVmComPort -ErrorAction Stop; "not reached" } catch { "$($_.FullyQualifiedErrorId): $_" }';
    expect(await module.objects(script)).toEqual([
      'MobyVmHostFailed,Get-MobyVmComPort: Windows reported an error: Unbekannter Fehler.',
    ]);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('hosts without what is needed', () => {
  it('every command says that the module Hyper-V is missing, and the status is shown all the same', async () => {
    const { errors, objects } = await module.run(ASK_THE_HOST.join('; '), { hasHyperV: false });
    expect(errors.map(({ id }) => id)).toEqual(
      ASK_THE_HOST.map((each) => `MobyVmCommandMissing,${each.split(' ')[0]}`),
    );
    for (const { message, remedy } of errors) {
      expect(message).toContain('Hyper-V');
      expect(remedy).toContain('Enable-WindowsOptionalFeature');
    }
    expect(objects.map(({ value }) => value)).toMatchObject([
      { State: 'not-running', VmState: 'unknown', Source: 'mobyvm' },
    ]);
  });

  it('Hyper-V is asked when mobyvm itself does not work', async () => {
    module.answers['status --json'] = { stderr: 'Error: Cannot find module\n    at x (y:1)\n', exitCode: 1 };
    const { objects, warnings, errors } = await module.run('Get-MobyVmStatus; Get-MobyVmIPAddress');
    expect(errors).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(objects.map(({ value }) => value)).toMatchObject([
      { State: 'unknown', VmState: 'running', Source: 'Hyper-V' },
      { Address: '10.0.75.2', Source: 'Hyper-V' },
      {},
      {},
    ]);
  });
});
