import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { addMachine, addNetwork } from '../support/hyperv-host/host-with-machine.js';
import { RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { MODULE, ModuleHost } from '../support/pwsh-host/module-host.js';

const DOCUMENT = resolve(import.meta.dirname, '../../docs/powershell-module.md');
const LOG = [
  { time: '2025-11-29T07:41:30.120Z', level: 'info', event: 'vm.starting', cpus: 2, memoryMiB: 2_048 },
  { time: '2025-11-29T07:41:44.870Z', level: 'info', event: 'engine.ready', version: '28.3.3' },
  {
    time: '2025-11-29T07:44:02.310Z',
    level: 'warn',
    event: 'share.unreachable',
    share: 'D',
    reason: 'no answer',
  },
];
// Each starts PowerShell, or waits for programs that it starts.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
let module: ModuleHost;

beforeAll(async () => {
  if (!RUNS_SCRIPTS) return;
  module = await ModuleHost.create();
  const { host, logDir } = module;
  addNetwork(host);
  host.system.routes.push({ DestinationPrefix: '10.0.75.0/25', InterfaceAlias: 'VPN' });
  const { kvp } = addMachine(host);
  kvp?.host.set('mobyvm.share.C', 'hidden');
  kvp?.guest.set('mobyvm.share.C.result', 'ok');
  await writeFile(join(logDir, 'daemon.log'), LOG.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
});
afterAll(async () => {
  if (RUNS_SCRIPTS) await module[Symbol.asyncDispose]();
});

/** Those that begin with a prompt, as command and output. */
async function sessions(): Promise<readonly (readonly [command: string, output: string])[]> {
  const text = await readFile(DOCUMENT, 'utf8');
  return [...text.matchAll(/^```\nPS> (.+)\n([^]*?)^```$/gm)].map(([, command = '', output = '']) => [
    command,
    output,
  ]);
}

it.skipIf(!RUNS_SCRIPTS)('the document shows what the commands print', async () => {
  const shown = await sessions();
  expect(shown).toHaveLength(5);
  for (const [command, output] of shown) {
    const [text] = await module.objects(`${command} | Out-String -Width 110`);
    const lines = String(text)
      .split(/\r?\n/)
      .map((line) => line.trimEnd());
    // ICU puts a narrow no-break space before AM and PM.
    const printed = lines.join('\n').trim().replaceAll('\u202f', ' ');
    expect(`\n${printed}\n`, command).toBe(output);
  }
});

it('the document names every command and every error', async () => {
  const text = await readFile(DOCUMENT, 'utf8');
  const exported = /FunctionsToExport {4}= @\(([^)]*)\)/.exec(
    await readFile(join(MODULE, 'MobyVm.psd1'), 'utf8'),
  );
  const commands = [...(exported?.[1] ?? '').matchAll(/'([\w-]+)'/g)].map(([, name]) => name ?? '');
  expect(commands.length).toBeGreaterThan(10);
  for (const name of commands) expect(text, name).toContain(name);
  const sources = await Promise.all(
    ['Private', 'Public'].map(async (folder) =>
      Promise.all(
        (await readdir(join(MODULE, folder))).map((name) => readFile(join(MODULE, folder, name), 'utf8')),
      ),
    ),
  );
  const used = [
    ...sources
      .flat()
      .join('\n')
      .matchAll(/(?:-ErrorId |\$code = )'(MobyVm\w+)'/g),
  ].map(([, id]) => id);
  const listed = [...text.matchAll(/^\| `(MobyVm\w+)`/gm)].map(([, id]) => id);
  expect(listed.sort()).toEqual([...new Set(used)].sort());
});
