import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { run, waitFor } from '../../src/core/host/index.js';
import { RunningProgram } from '../support/netns-program.js';
import { FAULTS } from '../support/hyperv-host/host-failure.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SystemPrograms } from '../support/hyperv-host/system-programs.js';
import { consoleProgram, RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { StubHost } from '../support/pwsh-host/stub-host.js';

const SCRIPT = resolve('scripts/verify-windows.ps1');
const reportSchema = z.object({
  changes: z.boolean(),
  complete: z.boolean(),
  results: z.array(z.object({ name: z.string(), verdict: z.string(), error: z.unknown().optional() })),
});
/** The simulated host allows one NAT network, and its address does not exist on this machine. */
const REFUSED = [
  'a second NAT network',
  ...[53, 67].map((port) => `UDP port ${port} on the switch's address only`),
];

const never = new AbortController().signal;
let host: SimulatedHost;
let stubs: StubHost;
let folder: string;
let programs: SystemPrograms;
/** A cmdlet that is denied. */
let refused: string | undefined;
beforeEach(async () => {
  host = new SimulatedHost();
  host.firewall.rules.set('of Windows', { Name: 'of Windows', Group: '', Enabled: 'True', Action: 'Allow' });
  refused = undefined;
  stubs = await StubHost.start((call) =>
    call.command === refused ? { kind: 'failure', failure: FAULTS.denied } : host.answer(call),
  );
  folder = await mkdtemp(join(tmpdir(), 'mvh-'));
  programs = await SystemPrograms.create();
});
afterEach(async () => {
  host.close();
  await stubs.stop();
  await rm(folder, { recursive: true, force: true });
  await programs[Symbol.asyncDispose]();
});

async function verify(...words: readonly string[]): Promise<z.infer<typeof reportSchema>> {
  const path = join(folder, 'report.json');
  await runScript(['-Path', path, ...words]);
  return reportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
}

function environment(): Record<string, string> {
  return {
    ...stubs.env,
    ...{ ProgramData: folder, SystemRoot: programs.folder, NO_COLOR: '1', TERM: 'dumb' },
  };
}

async function runScript(words: readonly string[], acceptExitCodes = [0]): Promise<string> {
  const env = { ...process.env, ...environment() };
  const program = ['-NoProfile', '-NonInteractive', '-File', SCRIPT];
  const options = { env, timeoutMs: 50_000, acceptExitCodes };
  return (await run(await consoleProgram(), [...program, ...words], options)).stdout;
}

describe.skipIf(!RUNS_SCRIPTS)('verify-windows.ps1 on the simulated host', () => {
  it('reports every check, and removes what it created', async () => {
    const before = host.snapshot();
    const { changes, complete, results } = await verify('-Change');
    expect({ changes, complete }).toEqual({ changes: true, complete: true });
    expect(results.filter(({ verdict, name }) => verdict !== 'ok' && !REFUSED.includes(name))).toEqual([]);
    expect(results.length).toBeGreaterThan(35);
    expect(host.snapshot()).toEqual(before);
  });

  it('only reads without -Change', async () => {
    const { changes, results } = await verify();
    expect(changes).toBe(false);
    expect(results.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
  });

  it('continues after a failed check, reports it, and still removes everything', async () => {
    host.network.takesSeveralNats = true;
    const before = host.snapshot();
    host.fault = { nth: 30, kind: 'denied' };
    const { results } = await verify('-Change');
    const failed = results.filter(({ verdict, name }) => verdict === 'FAILED' && !REFUSED.includes(name));
    expect(failed).toMatchObject([{ error: { category: 'PermissionDenied', hresults: ['0x80131500'] } }]);
    expect(host.snapshot()).toEqual(before);
  });

  it('removes everything after Ctrl-C, and reports the checks that were done', async () => {
    const before = host.snapshot();
    const path = join(folder, 'report.json');
    const command = [await consoleProgram(), '-NoProfile', '-NonInteractive', '-File', SCRIPT];
    // Signals the whole group, as a terminal does: the program may start another one.
    await using script = new RunningProgram('setsid', [...command, '-Path', path, '-Change'], environment());
    const hasSwitch = (): Promise<boolean> =>
      Promise.resolve(host.calls.some(({ command }) => command === 'New-VMSwitch'));
    await waitFor({ title: 'its switch', timeoutSeconds: 40, hint: '', check: hasSwitch }, never);
    process.kill(-script.pid, 'SIGINT');
    await script.exit;
    expect(host.snapshot()).toEqual(before);
    const { complete, results } = reportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    expect(complete).toBe(false);
    expect(results.map(({ name }) => name)).toContain('remove the switch');
  });

  it.each<[string, () => void | Promise<void>, RegExp]>([
    ['without administrative rights', plainUser, /needs an elevated terminal/],
    ['without Hyper-V', () => void host.system.services.splice(0), /vmms does not exist/],
    [
      'while vmms is stopped',
      () => host.system.services.forEach((each) => (each.State = 'Stopped')),
      /Start-Service vmms/,
    ],
  ])('changes nothing %s, and says why', async (_, change, why) => {
    await change();
    const path = join(folder, 'report.json');
    await writeFile(path, 'of an earlier run');
    const text = await runScript(['-Path', path, '-Change'], [2]);
    expect(text).toMatch(why);
    expect(text.trim().split('\n')).toHaveLength(1);
    expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
    expect(await readFile(path, 'utf8')).toBe('of an earlier run');
  });

  it('does nothing if the report cannot be written', async () => {
    const text = await runScript(['-Path', join(folder, 'not-there/report.json'), '-Change'], [2]);
    expect(text).toContain('Use -Path');
    expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
  });

  it('does not accept a denied call where it expects another error', async () => {
    refused = 'Get-VHD';
    const { results } = await verify();
    expect(results.filter(({ verdict }) => verdict !== 'ok')).toMatchObject([
      { name: 'a disk that does not exist', verdict: 'UNEXPECTED' },
    ]);
  });

  async function plainUser(): Promise<void> {
    await programs[Symbol.asyncDispose]();
    programs = await SystemPrograms.create({ isElevated: false });
  }
});
