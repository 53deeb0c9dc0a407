import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { run } from '../../src/core/index.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
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
beforeEach(async () => {
  host = new SimulatedHost();
  host.firewall.rules.set('of Windows', { Name: 'of Windows', Group: '', Enabled: 'True', Action: 'Allow' });
  stubs = await StubHost.start(host.answer);
  folder = await mkdtemp(join(tmpdir(), 'mvh-'));
});
afterEach(async () => {
  host.close();
  await stubs.stop();
  await rm(folder, { recursive: true, force: true });
});

async function verify(...words: readonly string[]): Promise<z.infer<typeof reportSchema>> {
  const path = join(folder, 'report.json');
  const env = { ...process.env, ...stubs.env, ProgramData: folder, NO_COLOR: '1', TERM: 'dumb' };
  const program = ['-NoProfile', '-NonInteractive', '-File', SCRIPT];
  await run(await consoleProgram(), [...program, '-Path', path, ...words], { env, timeoutMs: 50_000 });
  return reportSchema.parse(JSON.parse(await readFile(path, 'utf8')));
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
});
