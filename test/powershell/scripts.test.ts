import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/core/host/index.js';
import { consoleProgram, HAS_SCRIPT_CHECK } from '../support/pwsh-host/console-program.js';
import {
  scriptFindings,
  scriptReport,
  type ScriptReport,
  type ScriptRules,
} from '../support/pwsh-host/script-findings.plan.js';
import { STUB_SOURCES, StubHost } from '../support/pwsh-host/stub-host.js';

const ROOT = resolve(import.meta.dirname, '../..');
const SKIPPED = ['node_modules', 'build', 'dist', '.git'];
let stubs: readonly StubHost[] = [];
let folder: string;

beforeAll(async () => {
  const nothing = () => ({ kind: 'rows', rows: [] }) as const;
  stubs = await Promise.all(STUB_SOURCES.map((source) => StubHost.start(nothing, source)));
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-script-'));
});
afterAll(async () => {
  await Promise.all(stubs.map((each) => each.stop()));
  await rm(folder, { recursive: true });
});

async function findingsOf(path: string, isForPeople: boolean): Promise<readonly string[]> {
  return (await findingsOfAll([path], { isForPeople })).flat();
}

/** With the stubs of every source: what one binds the other may not. */
async function findingsOfAll(
  paths: readonly string[],
  rules: ScriptRules,
): Promise<readonly (readonly string[])[]> {
  const perSource: (readonly (readonly string[])[])[] = [];
  for (const { env } of stubs)
    perSource.push((await reportsOf(paths, env)).map((report) => scriptFindings(report, rules)));
  return paths.map((_, index) => [...new Set(perSource.flatMap((findings) => findings[index] ?? []))]);
}

async function reportsOf(paths: readonly string[], env: NodeJS.ProcessEnv): Promise<readonly ScriptReport[]> {
  const { stdout } = await run(await consoleProgram(), ['--check', ...paths], {
    env: { ...process.env, ...env },
    timeoutMs: 280_000,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => scriptReport.parse(JSON.parse(line)));
}

async function scriptsOf(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && !SKIPPED.includes(entry.name)) found.push(...(await scriptsOf(path)));
    else if (/\.psm?1$/.test(entry.name)) found.push(path);
  }
  return found;
}

it.runIf(HAS_SCRIPT_CHECK)('every script of the project passes the checks', async () => {
  const scripts = await scriptsOf(ROOT);
  const isOfModule = (path: string): boolean => path.includes('/scripts/MobyVm/');
  const rest = scripts.filter((path) => !isOfModule(path)).map((path) => path.slice(ROOT.length + 1));
  expect(rest.sort()).toEqual([
    'scripts/verify-windows.ps1',
    'test/support/pwsh-host/stubs/MobyvmStub.psm1',
    'test/support/pwsh-host/stubs/ModuleSession.psm1',
    'test/support/pwsh-host/stubs/module-session.ps1',
    'test/support/pwsh-host/stubs/verify-session.ps1',
  ]);
  for (const path of rest) {
    // These run in PowerShell 7 alone.
    if (/(module|verify)-?session/i.test(path)) continue;
    expect(await findingsOf(join(ROOT, path), !path.startsWith('test/')), path).toEqual([]);
  }
});

it.runIf(HAS_SCRIPT_CHECK)('every file of the module passes the checks', { timeout: 900_000 }, async () => {
  const files = await scriptsOf(join(ROOT, 'scripts/MobyVm'));
  const module = (await reportsOf(files, {})).flatMap(({ Functions }) => Functions);
  // Each has one function, of its own name.
  expect(module.map(({ Name }) => Name).sort()).toEqual(
    files.flatMap((path) => (path.endsWith('.ps1') ? [basename(path, '.ps1')] : [])).sort(),
  );
  expect(module.length).toBeGreaterThan(30);
  const findings = await findingsOfAll(files, { isForPeople: true, module });
  expect(Object.fromEntries(files.map((path, index) => [basename(path), findings[index]]))).toEqual(
    Object.fromEntries(files.map((path) => [basename(path), []])),
  );
});

describe.runIf(HAS_SCRIPT_CHECK)('the checks', () => {
  const MISTAKES: [mistake: string, text: string, finding: RegExp][] = [
    ['a syntax error', 'if (', /syntax: /],
    ['an alias', 'gci', /gci is no command/],
    ['an unknown cmdlet', 'Get-Nothing -Name x', /Get-Nothing is no command/],
    ['an unknown parameter', 'New-VMSwitch -Nam x -Confirm:$false', /no parameter Nam/],
    [
      'parameters of different sets',
      'New-VMSwitch -Name x -SwitchType Internal -NetAdapterName y -Confirm:$false',
      /AmbiguousParameterSet/,
    ],
    ['a positional argument', 'Start-Sleep 3', /without a name/],
    ['a cmdlet that asks for confirmation', 'Remove-NetNat -Name x', /-Confirm:\$false is missing/],
    ['a ternary', '$x = $true ? 1 : 2', /does not know \?:/],
    ['a null-coalescing operator', '$x = $null ?? 2', /does not know \?\?/],
    ['a pipeline chain', 'Write-Output -InputObject 1 && Write-Output -InputObject 2', /does not know &&/],
    ['a variable of PowerShell 7', 'if ($IsWindows) { }', /does not know \$IsWindows/],
    ['a binary number', '$x = 0b101', /does not know 0b101/],
    ['a number with a suffix', '$x = 5uy', /does not know 5uy/],
    ['an escaped code point', '$x = "`u{41}"', /does not know `u\{\}/],
    ['a background job', 'Start-Sleep -Seconds 1 &', /does not know &/],
    [
      'an encoding of PowerShell 7',
      'Set-Content -LiteralPath x -Value y -Encoding utf8NoBOM',
      /does not know -Encoding utf8NoBOM/,
    ],
    ['a type that .NET Framework lacks', '$x = [System.Text.Json.JsonDocument]', /JsonDocument is no type/],
    ['such a type in a cast', '[semver]$x = 1', /semver is no type/],
    ['non-ASCII text', "$x = 'ä'", /not all ASCII/],
    ['an unapproved verb', 'function Do-This { }', /no approved verb/],
    ['missing help', '$x = 1', /the script has no help/],
  ];
  let findings: readonly (readonly string[])[] = [];

  beforeAll(async () => {
    const paths = MISTAKES.map((_, index) => join(folder, `bad-${index}.ps1`));
    await Promise.all(MISTAKES.map(([, text], index) => writeFile(paths[index] ?? '', `${text}\n`)));
    findings = await findingsOfAll(paths, { isForPeople: true });
  });

  it.each(MISTAKES.map(([mistake, , finding], index) => [mistake, finding, index] as const))(
    'find %s',
    (_, finding, index) => {
      expect(findings[index]).toContainEqual(expect.stringMatching(finding));
    },
  );
});
