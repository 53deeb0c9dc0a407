import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { COMPLETION_SCRIPTS } from '../../src/cli/completion-scripts.js';
import { RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { ModuleHost } from '../support/pwsh-host/module-host.js';

// Each starts PowerShell.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
let module: ModuleHost;
let folder = '';

beforeAll(async () => {
  if (!RUNS_SCRIPTS) return;
  module = await ModuleHost.create();
  folder = await mkdtemp(join(tmpdir(), 'mobyvm-completion-'));
  const program = join(folder, 'mobyvm');
  const lines = 'list\\tList items\\ngreeting with blank\\tItem\\nplain\\t\\n';
  await writeFile(program, `#!/bin/sh\nprintf '<%s>' "$@" >>'${folder}/calls'\nprintf '${lines}'\n`);
  await chmod(program, 0o755);
});
afterAll(async () => {
  if (!RUNS_SCRIPTS) return;
  await module[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

describe.skipIf(!RUNS_SCRIPTS)('the completion script for PowerShell', () => {
  it.each([
    ['mobyvm kvp ', '<__complete><--><2><kvp>'],
    ['mobyvm kvp li', '<__complete><--><2><kvp><li>'],
  ])('asks the program what follows "%s"', async (line, asked) => {
    await writeFile(join(folder, 'calls'), '');
    const completed = await module.objects(`
      $env:PATH = '${folder}:' + $env:PATH
      ${COMPLETION_SCRIPTS.powershell}
      $found = [System.Management.Automation.CommandCompletion]::CompleteInput('${line}', ${line.length}, $null)
      $found.CompletionMatches | ForEach-Object -Process { $_.CompletionText + '|' + $_.ToolTip }`);
    expect(completed).toEqual(['list|List items', "'greeting with blank'|Item", 'plain|plain']);
    expect(await readFile(join(folder, 'calls'), 'utf8')).toBe(asked);
  });
});
