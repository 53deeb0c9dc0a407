import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { MODULE, ModuleHost } from '../support/pwsh-host/module-host.js';

const CHANGING = ['Export', 'Remove', 'Repair', 'Set'];
const command = z.object({
  name: z.string(),
  verbIsApproved: z.boolean(),
  synopsis: z.string(),
  description: z.string(),
  examples: z.array(z.object({ code: z.string(), remarks: z.string(), errors: z.array(z.string()) })),
  parameters: z.array(z.object({ name: z.string(), help: z.string() })),
  common: z.array(z.string()),
  outputs: z.string(),
});
const facts = z.object({
  commands: z.array(command),
  aliases: z.array(z.string()),
  others: z.number(),
  types: z.array(z.string()),
  requires: z.string(),
});

/** What the engine says about the module. */
const SCRIPT = `
$common = [System.Management.Automation.PSCmdlet]::CommonParameters + [System.Management.Automation.PSCmdlet]::OptionalCommonParameters
$verbs = (Get-Verb).Verb
$module = Get-Module -Name MobyVm
$flat = { param($Part) ((@($Part | ForEach-Object { $_.Text }) -join ' ') -replace '\\s+', ' ').Trim() }
@{
    commands = @(foreach ($command in Get-Command -Module MobyVm) {
            $help = Get-Help -Name $command.Name -Full
            $own = @($command.Parameters.Keys | Where-Object { $common -notcontains $_ })
            @{
                name           = $command.Name
                verbIsApproved = $verbs -ccontains $command.Verb -and $command.Noun -clike 'MobyVm*'
                synopsis       = ([string]$help.Synopsis).Trim()
                description    = & $flat $help.description
                examples       = @(foreach ($example in $help.examples.example) {
                        $parseErrors = $null
                        $null = [System.Management.Automation.Language.Parser]::ParseInput($example.code, [ref]$null, [ref]$parseErrors)
                        @{ code = [string]$example.code; remarks = & $flat $example.remarks; errors = @($parseErrors | ForEach-Object { $_.Message }) }
                    })
                parameters     = @(foreach ($name in $own) { @{ name = $name; help = & $flat (Get-Help -Name $command.Name -Parameter $name).description } })
                common         = @($command.Parameters.Keys | Where-Object { [System.Management.Automation.PSCmdlet]::OptionalCommonParameters -contains $_ })
                outputs        = ([string]$help.returnValues.returnValue.type.name).Trim()
            }
        })
    aliases  = @($module.ExportedAliases.Keys)
    others   = $module.ExportedCmdlets.Count + $module.ExportedVariables.Count
    types    = @((Get-FormatData -TypeName 'MobyVm.*' -PowerShellVersion 7.0).TypeName)
    requires = [string](Test-ModuleManifest -Path (Join-Path $module.ModuleBase 'MobyVm.psd1')).PowerShellVersion
}`;

// Each starts PowerShell, or waits for programs that it starts.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
let module: ModuleHost;
let found: z.infer<typeof facts>;
beforeAll(async () => {
  if (!RUNS_SCRIPTS) return;
  module = await ModuleHost.create();
  found = facts.parse((await module.objects(SCRIPT))[0]);
});
afterAll(async () => {
  if (RUNS_SCRIPTS) await module[Symbol.asyncDispose]();
});

const files = async (folder: string): Promise<readonly string[]> =>
  (await readdir(join(MODULE, folder))).map((name) => basename(name, '.ps1')).sort();

it.skipIf(!RUNS_SCRIPTS)(
  'exports one command for each file, with an approved verb, and nothing else',
  async () => {
    expect(found.commands.map(({ name }) => name).sort()).toEqual(await files('Public'));
    expect(found.commands.filter(({ verbIsApproved }) => !verbIsApproved)).toEqual([]);
    expect(found).toMatchObject({ aliases: [], others: 0, requires: '5.1' });
  },
);

it('loads every file, and no other', async () => {
  const text = await readFile(join(MODULE, 'MobyVm.psm1'), 'utf8');
  const listed = [...text.matchAll(/^ {4}'([\w-]+)'$/gm)].map(([, name]) => name);
  expect(listed.sort()).toEqual([...(await files('Private')), ...(await files('Public'))].sort());
});

it('has the version of mobyvm', async () => {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(MODULE, '../../package.json'), 'utf8')));
  expect(await readFile(join(MODULE, 'MobyVm.psd1'), 'utf8')).toContain(
    `ModuleVersion        = '${version}'`,
  );
});

it.skipIf(!RUNS_SCRIPTS)('Get-Help is complete for every command and each of its parameters', () => {
  for (const { name, synopsis, description, examples, parameters, outputs } of found.commands) {
    // Without help, the engine makes a synopsis of the syntax.
    expect(synopsis, name).toMatch(/^[A-Z][^[\]]+\.$/);
    expect(description, name).toMatch(/\w.*\.?$/);
    expect(outputs, name).not.toBe('');
    for (const { name: parameter, help } of parameters)
      expect(help, `${name} -${parameter}`).toMatch(/^[A-Z].*\.$/);
    expect(examples.length, name).toBeGreaterThan(0);
    for (const { code, remarks, errors } of examples) {
      expect(code, name).toContain(name.split('-')[1]);
      expect(remarks, `${name}: ${code}`).toMatch(/\.$/);
      expect(errors, `${name}: ${code}`).toEqual([]);
    }
  }
});

it.skipIf(!RUNS_SCRIPTS)(
  'every command that changes something has -WhatIf and -Confirm, and no other has them',
  () => {
    for (const { name, common } of found.commands) {
      const expected = CHANGING.includes(name.split('-')[0] ?? '') ? ['Confirm', 'WhatIf'] : [];
      expect([...common].sort(), name).toEqual(expected);
    }
  },
);

it.skipIf(!RUNS_SCRIPTS)('every type of object has a view', async () => {
  const texts = await Promise.all(
    ['Private', 'Public'].map(async (folder) =>
      Promise.all((await files(folder)).map((name) => readFile(join(MODULE, folder, `${name}.ps1`), 'utf8'))),
    ),
  );
  const made = [
    ...texts
      .flat()
      .join('\n')
      .matchAll(/New-Result -TypeName '(\w+)'/g),
  ].map(([, type]) => `MobyVm.${type}`);
  expect([...found.types].sort()).toEqual([...new Set(made)].sort());
});
