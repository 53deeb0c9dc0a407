import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { run } from '../../src/core/index.js';
import { FAULTS } from '../support/hyperv-host/host-failure.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SystemPrograms } from '../support/hyperv-host/system-programs.js';
import { consoleProgram, RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { StubHost } from '../support/pwsh-host/stub-host.js';

const SCRIPT = resolve('scripts/verify-windows.ps1');
const reportSchema = z.object({
  changes: z.boolean(),
  results: z.array(z.object({ name: z.string(), verdict: z.string(), error: z.unknown().optional() })),
});
/** The simulated host takes one NAT network, and its address is not this machine's. */
const REFUSED = [
  'a second NAT network',
  ...[53, 67].map((port) => `UDP port ${port} on the switch's address alone`),
];

let host: SimulatedHost;
let stubs: StubHost;
let folder: string;
let programs: SystemPrograms;
/** The cmdlet that nobody may use. */
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

async function runScript(words: readonly string[], acceptExitCodes = [0]): Promise<string> {
  const places = { ProgramData: folder, SystemRoot: programs.folder };
  const env = { ...process.env, ...stubs.env, ...places, NO_COLOR: '1', TERM: 'dumb' };
  const program = ['-NoProfile', '-NonInteractive', '-File', SCRIPT];
  const options = { env, timeoutMs: 50_000, acceptExitCodes };
  return (await run(await consoleProgram(), [...program, ...words], options)).stdout;
}

describe.skipIf(!RUNS_SCRIPTS)('the script for a real machine, run on the simulated one', () => {
  it('makes a report of everything, and takes away what it made', async () => {
    const before = host.snapshot();
    const { changes, results } = await verify('-Change');
    expect(changes).toBe(true);
    expect(results.filter(({ verdict, name }) => verdict !== 'ok' && !REFUSED.includes(name))).toEqual([]);
    expect(results.length).toBeGreaterThan(35);
    expect(host.snapshot()).toEqual(before);
  });

  it('only reads when it is not asked to change anything', async () => {
    const { changes, results } = await verify();
    expect(changes).toBe(false);
    expect(results.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
  });

  it('goes on when a step fails, tells how, and still takes everything away', async () => {
    host.network.takesSeveralNats = true;
    const before = host.snapshot();
    host.fault = { nth: 30, kind: 'denied' };
    const { results } = await verify('-Change');
    const failed = results.filter(({ verdict, name }) => verdict === 'FAILED' && !REFUSED.includes(name));
    expect(failed).toMatchObject([{ error: { category: 'PermissionDenied', hresults: ['0x80131500'] } }]);
    expect(host.snapshot()).toEqual(before);
  });

  it.each<[string, () => void | Promise<void>, RegExp]>([
    ['without the rights', plainUser, /needs an elevated terminal/],
    ['without Hyper-V', () => void host.system.services.splice(0), /vmms does not exist/],
    [
      'while vmms does not run',
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

  it('begins nothing when its report cannot be written', async () => {
    const text = await runScript(['-Path', join(folder, 'not-there/report.json'), '-Change'], [2]);
    expect(text).toContain('with -Path');
    expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
  });

  it('takes a refusal for no answer where it asks how something fails', async () => {
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
