import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { runCommand } from '../../src/cli/commands.js';
import { MobyvmError } from '../../src/core/values/index.js';
import { commandContext } from '../support/cli-context.js';
import { addMachine, addNetwork } from '../support/hyperv-host/host-with-machine.js';
import type { SimulatedMachine } from '../support/hyperv-host/simulated-machine.js';
import { RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { printed } from '../support/pwsh-host/daemon-answers.js';
import { ModuleHost, type ProgramCall } from '../support/pwsh-host/module-host.js';

const LANGUAGE_MODES = ['FullLanguage', 'ConstrainedLanguage'] as const;
/** Texts that programs on Windows often get wrong. */
const NASTY: readonly (readonly [name: string, value: string])[] = [
  ['plain', 'hello'],
  ['with space', 'a b\tc'],
  ['"quoted"', 'say "hi"'],
  ['C:\\dir\\', 'C:\\Program Files\\'],
  ['back\\"slash', '\\\\server\\share\\\\" x'],
  ['empty', ''],
  ['option', '--secret'],
  ['number', '-1'],
  ['007', '1e3'],
  ['Grüße 日本', 'ß→𝄞'],
  ["it's $HOME %PATH% `x` & | < > ^ ; *", "$(id) '; exit"],
];
// Each starts PowerShell, or waits for programs that it starts.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
let module: ModuleHost;
let machine: SimulatedMachine;

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
  machine = addMachine(module.host);
});

function daemonRuns(): void {
  module.answers['status --json'] = printed.status();
  module.answers['kvp list --pool host'] = printed.kvp('host', {
    greeting: 'hello',
    'test-a': '1',
    'test-b': '2',
  });
  for (const command of ['kvp set', 'kvp remove', 'up', 'service start', 'diagnose'])
    module.answers[command] = {};
}

async function changes(): Promise<readonly (readonly string[])[]> {
  const calls = (await module.calls()).map(({ args }) => args);
  return calls.filter(([first, second]) => first !== 'status' && second !== 'list' && second !== 'check');
}

/** What begins with a hyphen goes to standard input: it would be taken for an option. */
function callOf([name, value]: (typeof NASTY)[number]): ProgramCall {
  const args = ['kvp', 'set', name];
  return value.startsWith('-') ? { args, stdin: `${value}\n` } : { args: [...args, value] };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

describe.skipIf(!RUNS_SCRIPTS)('Set-MobyVmKvp', () => {
  it.each(LANGUAGE_MODES)(
    'in %s, gives the program each name and value as they are',
    async (languageMode) => {
      daemonRuns();
      const script = NASTY.map(
        ([name, value]) => `Set-MobyVmKvp -Name ${quoted(name)} -Value ${quoted(value)}`,
      ).join('\n');
      expect(await module.objects(script, { languageMode })).toEqual([]);
      expect((await module.calls()).filter(({ args }) => args[0] === 'kvp')).toEqual(NASTY.map(callOf));
    },
  );

  it.each(['de-DE', 'ja-JP'])('with the culture %s, sets the same', async (culture) => {
    daemonRuns();
    expect(await module.objects("Set-MobyVmKvp -Name 'ratio' -Value 1.5 -PassThru", { culture })).toEqual([
      { Pool: 'host', Name: 'ratio', Value: '1.5', IsMasked: false, Source: 'daemon' },
    ]);
    expect(await changes()).toEqual([['kvp', 'set', 'ratio', '1.5']]);
    expect(await module.objects("Set-MobyVmKvp 'Grüße 日本' 'ß→𝄞'", { culture })).toEqual([]);
    expect((await changes()).at(-1)).toEqual(['kvp', 'set', 'Grüße 日本', 'ß→𝄞']);
  });

  it.each(['de-DE', 'ja-JP'])(
    'with the culture %s and without the daemon, has Hyper-V set it',
    async (culture) => {
      expect(await module.objects("Set-MobyVmKvp 'ratio' 1.5", { culture })).toEqual([]);
      expect([...(machine.kvp?.host ?? [])]).toEqual([['ratio', '1.5']]);
    },
  );

  it.each(LANGUAGE_MODES)(
    'in %s, passes a secret on standard input alone, and does not show it',
    async (languageMode) => {
      daemonRuns();
      const secret = `ConvertTo-SecureString -AsPlainText -Force -String ' pass"word$1 '`;
      const found = await module.objects(`Set-MobyVmKvp token -SecureValue (${secret}) -PassThru`, {
        languageMode,
      });
      expect(found).toEqual([
        { Pool: 'host', Name: 'token', Value: '***', IsMasked: true, Source: 'daemon' },
      ]);
      expect((await module.calls()).at(-1)).toEqual({
        args: ['kvp', 'set', 'token', '--secret'],
        stdin: ' pass"word$1 \n',
      });
    },
  );

  it('passes secrets beyond ASCII, which Constrained Language Mode refuses', async () => {
    daemonRuns();
    const script = `Set-MobyVmKvp token -SecureValue (ConvertTo-SecureString -AsPlainText -Force -String 'größe')`;
    expect(await module.objects(script)).toEqual([]);
    expect((await module.calls()).at(-1)?.stdin).toBe('größe\n');
    const { errors } = await module.run(script, { languageMode: 'ConstrainedLanguage' });
    expect(errors.map(({ id }) => id)).toEqual(['MobyVmLanguageMode,Set-MobyVmKvp']);
  });

  it('takes items from the pipeline, whatever happens to one of them', async () => {
    daemonRuns();
    const items = ['a', 'mobyvm.x', 'b'].map((Name) => `[pscustomobject]@{ Name = '${Name}'; Value = 'v' }`);
    const { errors } = await module.run(`${items.join(', ')} | Set-MobyVmKvp`);
    expect(errors.map(({ id }) => id)).toEqual(['MobyVmKvpReserved,Set-MobyVmKvp']);
    expect((await changes()).map((args) => args[2])).toEqual(['a', 'b']);
  });

  it('refuses a name that mobyvm would take for an option', async () => {
    daemonRuns();
    module.answers['kvp list --pool host'] = printed.kvp('host', { '-n': '1' });
    const { errors } = await module.run(
      'Set-MobyVmKvp -Name "--help" -Value x; Remove-MobyVmKvp -Name "-n"; Test-MobyVmShare -Name "-h"',
    );
    expect(errors.map(({ id }) => id)).toEqual([
      'MobyVmKvpLimit,Set-MobyVmKvp',
      'MobyVmKvpLimit,Remove-MobyVmKvp',
      'MobyVmNoShare,Test-MobyVmShare',
    ]);
    expect(await changes()).toEqual([]);
  });

  it('does not set the mask of an item that was listed', async () => {
    daemonRuns();
    const { errors } = await module.run("[pscustomobject]@{ Name = 'a'; Value = '***' } | Set-MobyVmKvp");
    expect(errors.map(({ id }) => id)).toEqual(['MobyVmKvpMasked,Set-MobyVmKvp']);
    expect(await changes()).toEqual([]);
  });

  it('reports what mobyvm reports, by its code', async () => {
    daemonRuns();
    module.answers['kvp set'] = printed.error(
      'MOBYVM_KVP_LIMIT',
      'The value of "a" is too long.',
      'Shorten it.',
    );
    const { errors } = await module.run('Set-MobyVmKvp a b');
    expect(errors).toEqual([
      {
        ...{ id: 'MOBYVM_KVP_LIMIT,Set-MobyVmKvp', category: 'InvalidResult' },
        ...{ message: 'The value of "a" is too long.', remedy: 'Shorten it.' },
      },
    ]);
  });

  it('without the daemon, has Hyper-V add or replace the item', async () => {
    const text = 'a <b> & "c" \'d\'\r\n ß→𝄞 ';
    const script = `Set-MobyVmKvp x 'first'; Set-MobyVmKvp x ${quoted(text)} -PassThru`;
    expect(await module.objects(script)).toEqual([
      { Pool: 'host', Name: 'x', Value: text, IsMasked: false, Source: 'Hyper-V' },
    ]);
    expect([...(machine.kvp?.host ?? [])]).toEqual([['x', text]]);
    expect(machine.kvp?.calls.filter(({ method }) => method !== 'read').map(({ method }) => method)).toEqual([
      'add',
      'modify',
    ]);
  });

  it.each<[string, string, string]>([
    [
      'a secret',
      "Set-MobyVmKvp a -SecureValue (ConvertTo-SecureString -AsPlainText -Force -String 'x')",
      'MobyVmNotRunning',
    ],
    ['a name of 256 characters', "Set-MobyVmKvp ('n' * 256) x", 'MobyVmKvpLimit'],
    ['a value of 1024 characters', "Set-MobyVmKvp a ('v' * 1024)", 'MobyVmKvpLimit'],
    ['a value of 2049 bytes', 'Set-MobyVmKvp a ([string][char]0x65e5 * 683)', 'MobyVmKvpLimit'],
    ['a control character', 'Set-MobyVmKvp a ([string][char]7)', 'MobyVmKvpLimit'],
  ])('without the daemon, refuses %s', async (_, script, id) => {
    const { errors } = await module.run(script);
    expect(errors.map((each) => each.id)).toEqual([`${id},Set-MobyVmKvp`]);
    expect(machine.kvp?.host.size).toBe(0);
  });

  it('without the daemon, says when Hyper-V could not set it', async () => {
    machine.kvp!.isReady = false;
    const { errors } = await module.run('Set-MobyVmKvp a b');
    expect(errors).toMatchObject([
      {
        id: 'MobyVmKvpFailed,Set-MobyVmKvp',
        message: "Hyper-V's AddKvpItems failed: its job ended in state 10 with error 32768.",
      },
    ]);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('Remove-MobyVmKvp', () => {
  it('removes what is in the pipeline, and reports what does not exist', async () => {
    daemonRuns();
    const { errors } = await module.run(
      '"none" | Remove-MobyVmKvp; Get-MobyVmKvp -Pool Host -Name test-* | Remove-MobyVmKvp; Remove-MobyVmKvp mobyvm.config',
    );
    expect(errors.map(({ id }) => id)).toEqual([
      'MobyVmKvpNotFound,Remove-MobyVmKvp',
      'MobyVmKvpReserved,Remove-MobyVmKvp',
    ]);
    expect(await changes()).toEqual([
      ['kvp', 'remove', 'test-a'],
      ['kvp', 'remove', 'test-b'],
    ]);
  });

  it('without the daemon, has Hyper-V remove it', async () => {
    for (const name of ['a', 'A', 'b']) machine.kvp?.host.set(name, '1');
    expect(await module.objects("Remove-MobyVmKvp -Name 'a', 'b'")).toEqual([]);
    expect([...(machine.kvp?.host.keys() ?? [])]).toEqual(['A']);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('Repair-MobyVm', () => {
  it.each<[string, () => void, readonly (readonly string[])[], readonly string[]]>([
    ['starts the service', () => undefined, [['service', 'start']], ['service start']],
    ['asks the daemon to repair, if it runs', daemonRuns, [['up']], ['up']],
    [
      'starts Hyper-V first',
      () => (module.host.system.services[0]!.State = 'Stopped'),
      [['service', 'start']],
      ['vmms', 'service start'],
    ],
    ['starts mobyvm where it is no service', () => module.host.system.services.pop(), [['up']], ['up']],
  ])('%s', async (_, prepare, expected, reported) => {
    module.host.system.services.push({ Name: 'mobyvm', State: 'Stopped', StartMode: 'Auto', ProcessId: 0 });
    for (const command of ['up', 'service start']) module.answers[command] = { stdout: 'Done.\n' };
    prepare();
    expect(await module.objects('Repair-MobyVm | ForEach-Object { $_.Action }')).toEqual(reported);
    expect(await changes()).toEqual(expected);
    expect(module.host.system.services[0]?.State).toBe('Running');
  });

  it('reports what mobyvm reports, and that Hyper-V is missing', async () => {
    module.answers['up'] = printed.error('MOBYVM_NOT_ROOT', 'Permission denied.', 'Run it elevated.');
    expect((await module.run('Repair-MobyVm')).errors).toMatchObject([
      { id: 'MOBYVM_NOT_ROOT,Repair-MobyVm', remedy: 'Run it elevated.' },
    ]);
    module.host.system.services.splice(0);
    expect((await module.run('Repair-MobyVm')).errors).toMatchObject([
      { id: 'MobyVmCommandMissing,Repair-MobyVm' },
    ]);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('Enter-MobyVmShell', () => {
  it('opens a shell, and returns what a command prints', async () => {
    daemonRuns();
    module.answers['shell'] = {};
    module.answers['shell -- df'] = { stdout: 'one\ntwo\n', exitCode: 3 };
    expect(
      await module.objects(
        "Enter-MobyVmShell; Enter-MobyVmShell 'df', '-h', 'a b', '\"q\"'; [string]$LASTEXITCODE",
      ),
    ).toEqual(['one', 'two', '3']);
    expect(await changes()).toEqual([['shell'], ['shell', '--', 'df', '-h', 'a b', '"q"']]);
  });

  it('says how to start the VM if it does not run', async () => {
    const { errors } = await module.run('Enter-MobyVmShell');
    expect(errors).toMatchObject([
      {
        id: 'MobyVmNotRunning,Enter-MobyVmShell',
        remedy: expect.stringContaining('mobyvm up') as string,
      },
    ]);
    expect(await changes()).toEqual([]);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('Export-MobyVmDiagnostics', () => {
  it('names the file by its full path, and does not replace one unless it is told to', async () => {
    const path = join(module.folder, 'my file.zip');
    module.answers['diagnose'] = {};
    await writeFile(path, 'old');
    const { errors } = await module.run("Export-MobyVmDiagnostics 'my file.zip'");
    expect(errors.map(({ id }) => id)).toEqual(['MobyVmFileExists,Export-MobyVmDiagnostics']);
    expect(await changes()).toEqual([]);
    expect(await module.objects("(Export-MobyVmDiagnostics 'my file.zip' -Force).Name")).toEqual([
      'my file.zip',
    ]);
    expect(await changes()).toEqual([['diagnose', '--out', path]]);
  });

  it("reports mobyvm's error", async () => {
    const { errors } = await module.run('Export-MobyVmDiagnostics x.zip');
    expect(errors).toMatchObject([{ id: 'MOBYVM_USAGE,Export-MobyVmDiagnostics', remedy: 'mobyvm --help' }]);
  });
});

describe.skipIf(!RUNS_SCRIPTS).each(LANGUAGE_MODES)('-Confirm:$false, in %s', (languageMode) => {
  it('asks nothing, although this session asks about everything', async () => {
    daemonRuns();
    const calls = [
      ...['Set-MobyVmKvp a b -Confirm:$false', 'Remove-MobyVmKvp greeting -Confirm:$false'],
      ...['Repair-MobyVm -Confirm:$false', 'Export-MobyVmDiagnostics x.zip -Confirm:$false'],
    ];
    const script = `$ConfirmPreference = 'Low'; ${calls.join('; ')}; $ConfirmPreference = 'High'`;
    const { errors, printed: text } = await module.run(script, { languageMode });
    // The substitute writes no file.
    expect(errors.filter(({ id }) => !id.endsWith(',Export-MobyVmDiagnostics'))).toEqual([]);
    expect(text).not.toMatch(/Confirm|Continue\?/);
    expect((await changes()).map((args) => args.slice(0, 3))).toEqual([
      ['kvp', 'set', 'a'],
      ['kvp', 'remove', 'greeting'],
      ['up'],
      ['diagnose', '--out', join(module.folder, 'x.zip')],
    ]);
  });
});

describe.skipIf(!RUNS_SCRIPTS)('on Linux', () => {
  it('items are set by the daemon, and diagnostics collected by mobyvm', async () => {
    daemonRuns();
    const path = join(module.folder, 'linux.zip');
    await writeFile(path, 'written by mobyvm');
    const script = `Set-MobyVmKvp a 'ß "b"'; (Export-MobyVmDiagnostics linux.zip -Force).Name`;
    expect(await module.objects(script, { isWindows: false })).toEqual(['linux.zip']);
    expect(await changes()).toEqual([
      ['kvp', 'set', 'a', 'ß "b"'],
      ['diagnose', '--out', path],
    ]);
    expect(module.host.calls).toEqual([]);
  });

  it('without the daemon, no item can be set or removed, and it says how to start it', async () => {
    const { errors } = await module.run('Set-MobyVmKvp a b; Remove-MobyVmKvp a', { isWindows: false });
    const remedy = 'Start mobyvm with: mobyvm up';
    expect(errors).toMatchObject([
      { id: 'MobyVmNotOnWindows,Set-MobyVmKvp', remedy },
      { id: 'MobyVmNotOnWindows,Remove-MobyVmKvp', remedy },
    ]);
  });
});

describe.skipIf(!RUNS_SCRIPTS).each(LANGUAGE_MODES)('-WhatIf, in %s', (languageMode) => {
  it.each([
    ['with the daemon', daemonRuns],
    ['without it', () => undefined],
  ])('changes nothing, %s', async (_, prepare) => {
    prepare();
    machine.kvp?.host.set('greeting', 'hello');
    module.host.system.services[0]!.State = 'Stopped';
    const before = JSON.stringify(module.host.snapshot());
    const {
      errors,
      objects,
      printed: text,
    } = await module.run(
      'Set-MobyVmKvp a b -WhatIf -PassThru; Remove-MobyVmKvp greeting -WhatIf; Repair-MobyVm -WhatIf; Export-MobyVmDiagnostics x.zip -WhatIf',
      { languageMode },
    );
    expect({ errors, objects }).toEqual({ errors: [], objects: [] });
    expect(text.match(/What if: /g)).toHaveLength(5);
    expect(await changes()).toEqual([]);
    expect(module.host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
    expect(JSON.stringify(module.host.snapshot())).toBe(before);
    expect([...(machine.kvp?.host ?? [])]).toEqual([['greeting', 'hello']]);
  });
});

describe('the command lines of the module', () => {
  it.each([
    ['status', '--json'],
    ['kvp', 'list', '--pool', 'intrinsic', '--json'],
    ['kvp', 'remove', 'a'],
    ['share', 'check', 'C', '--json'],
    ['doctor', '--json'],
    ['up'],
    ['service', 'start'],
    ['logs', '--json', '--follow', '--lines', '0'],
    ['console', '--follow', '--lines', '100000'],
    ['shell'],
    ['shell', '--', 'df', '-h'],
  ])('mobyvm accepts %s %s', async (...args) => {
    const error: unknown = await runCommand(args, commandContext()).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error instanceof MobyvmError ? error.code : undefined).not.toBe('MOBYVM_USAGE');
  });

  it('mobyvm sets the items that the module names', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mobyvm-control-'));
    const bodies: unknown[] = [];
    const server = createServer((request, response) => {
      request.setEncoding('utf8').once('data', (text: string) => bodies.push(JSON.parse(text)));
      response.setHeader('content-type', 'application/json').end('{"delivered":true}');
    });
    try {
      const controlSocket = join(folder, 'control.sock');
      await new Promise<void>((listening) => server.listen(controlSocket, listening));
      const context = commandContext();
      const paths = { ...context.paths, controlSocket };
      for (const item of NASTY) {
        const { args, stdin = '' } = callOf(item);
        const input = { ...context.input, read: () => Promise.resolve(stdin.replace(/\n$/, '')) };
        await runCommand(args, { ...context, paths, input });
      }
      expect(bodies).toEqual(NASTY.map(([name, value]) => ({ name, value, secret: false })));
    } finally {
      await new Promise((closed) => server.close(closed));
      await rm(folder, { recursive: true });
    }
  });
});
