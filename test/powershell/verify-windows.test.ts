import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { run, waitFor } from '../../src/core/host/index.js';
import { RunningProgram } from '../support/netns-program.js';
import { FAULTS } from '../support/hyperv-host/host-failure.js';
import { DOCKER_USERS, InstalledProduct, PERSON } from '../support/hyperv-host/installed-product.js';
import { SimulatedHost } from '../support/hyperv-host/simulated-host.js';
import { SystemPrograms } from '../support/hyperv-host/system-programs.js';
import { consoleProgram, RUNS_SCRIPTS } from '../support/pwsh-host/console-program.js';
import { StubHost } from '../support/pwsh-host/stub-host.js';

const SCRIPT = resolve('scripts/verify-windows.ps1');
const SESSION = resolve('test/support/pwsh-host/stubs/verify-session.ps1');
const reportSchema = z.object({
  changes: z.boolean(),
  complete: z.boolean(),
  results: z.array(
    z.object({
      ...{ name: z.string(), verdict: z.string() },
      ...{ value: z.array(z.unknown()).optional(), error: z.unknown().optional() },
    }),
  ),
});
/** The simulated host allows one NAT network, and its address does not exist on this machine. */
const REFUSED = [
  'a second NAT network',
  ...[53, 67].map((port) => `UDP port ${port} on the switch's address only`),
];

/** The checks of mobyvm itself. */
const OF_PRODUCT = /^(service mobyvm|recovery|source of|events|folder |file |group docker-users|pipe )/;
const isChange = (command: string): boolean => !command.startsWith('Get-');

const never = new AbortController().signal;
let host: SimulatedHost;
let stubs: StubHost;
let folder: string;
let programs: SystemPrograms;
let product: InstalledProduct;
/** A cmdlet that is denied. */
let refused: string | undefined;
beforeEach(async () => {
  host = new SimulatedHost();
  host.firewall.rules.set('of Windows', { Name: 'of Windows', Group: '', Enabled: 'True', Action: 'Allow' });
  refused = undefined;
  stubs = await StubHost.start((call) =>
    call.command === refused
      ? { kind: 'failure', failure: FAULTS.denied }
      : (product.answer(call) ?? host.answer(call)),
  );
  folder = await mkdtemp(join(tmpdir(), 'mvh-'));
  programs = await SystemPrograms.create();
  product = new InstalledProduct(folder);
  await programs.write('icacls', []);
});
afterEach(async () => {
  host.close();
  await stubs.stop();
  await product[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  await programs[Symbol.asyncDispose]();
});

async function verify(...words: readonly string[]): Promise<z.infer<typeof reportSchema>> {
  const path = join(folder, 'report.json');
  await runScript(['-Path', path, ...words]);
  const text = await readFile(path, 'utf8');
  expect(text).not.toMatch(new RegExp(`${PERSON.name}|S-1-5-21-`, 'i'));
  return reportSchema.parse(JSON.parse(text));
}

/** What each check reported, by its name. */
function valuesOf({ results }: z.infer<typeof reportSchema>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(results.map(({ name, value = [] }) => [name, value[0]]));
}

function environment(): Record<string, string> {
  return {
    ...stubs.env,
    ...{ ProgramData: folder, SystemRoot: programs.folder, NO_COLOR: '1', TERM: 'dumb' },
    // .NET's named pipes are there.
    ...{ TMPDIR: folder, VERIFY_SCRIPT: SCRIPT },
  };
}

async function runScript(words: readonly string[], acceptExitCodes = [0]): Promise<string> {
  const env = { ...process.env, ...environment() };
  const program = ['-NoProfile', '-NonInteractive', '-File', SESSION];
  const options = { env, timeoutMs: 50_000, acceptExitCodes };
  return (await run(await consoleProgram(), [...program, ...words], options)).stdout;
}

describe.skipIf(!RUNS_SCRIPTS)('verify-windows.ps1 on the simulated host', () => {
  it('reports every check, removes what it created, and does not touch what mobyvm has', async () => {
    await product.install(host, programs);
    const before = host.snapshot();
    const files = await product.snapshot();
    const { changes, complete, results } = await verify('-Change');
    expect({ changes, complete }).toEqual({ changes: true, complete: true });
    expect(results.filter(({ verdict, name }) => verdict !== 'ok' && !REFUSED.includes(name))).toEqual([]);
    expect(results.length).toBeGreaterThan(65);
    expect(host.snapshot()).toEqual(before);
    expect(await product.snapshot()).toEqual(files);
  });

  it('only reads without -Change, and says that mobyvm is not installed', async () => {
    const report = await verify();
    expect(report.changes).toBe(false);
    expect(report.results.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(host.calls.filter(({ command }) => !command.startsWith('Get-'))).toEqual([]);
    const about = Object.entries(valuesOf(report)).filter(([name]) => OF_PRODUCT.test(name));
    expect(about.length).toBeGreaterThan(25);
    expect(about.filter(([, value]) => value !== 'not installed')).toEqual([]);
  });

  it('reports the service, the pipes and the access lists of mobyvm while it runs', async () => {
    await product.install(host, programs);
    await product.start(host);
    const before = [await product.snapshot(), host.snapshot()];
    const report = await verify();
    expect(report.results.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(valuesOf(report)).toMatchObject({
      'service mobyvm': { state: 'Running', startMode: 'Auto', account: 'LocalSystem', quoted: true },
      'recovery, time at shutdown and dependencies of the service': {
        ...{ recovery: [86_400, 5_000, 30_000], afterExitCodes: 1, preshutdownMs: 300_000 },
        ...{ delayedStart: null, dependencies: [] },
      },
      'source of events': { file: 'EventCreate.exe', types: 7 },
      'events that can be read': { events: 2, withText: 1 },
      'folder of the installation': { inProgramFiles: false, folder: { owner: 'other account' } },
      'list of named pipes': { all: 6, mobyvm: 'running' },
      'group docker-users': { found: true, member: false },
      'pipe mobyvm_engine': {
        access: {
          ...{ owner: 'BA', protected: true },
          sddl: 'O:BAG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x12019b;;;docker-users)(A;;0x12019b;;;other account)',
        },
        connection: { connected: true },
      },
      // A list that cannot be read is a result, too.
      'pipe mobyvm_control': {
        access: { error: { category: 'InvalidOperation', hresults: ['0x80070057'], message: '' } },
        connection: { connected: true },
      },
      'pipe docker_engine': { found: true },
      'folder of the data': {
        found: true,
        folder: true,
        link: false,
        access: { owner: 'SY', protected: true },
      },
      'folder state': { access: { sddl: expect.stringContaining('S-1-5-83-') as string } },
      'file state\\tls\\ca-key.pem': {
        found: true,
        folder: false,
        access: { owner: 'BA', protected: false },
      },
      'file state\\credentials.json': { found: false },
    });
    expect([...new Set(product.connections)].sort()).toEqual(['mobyvm_control', 'mobyvm_engine']);
    expect([await product.snapshot(), host.snapshot()]).toEqual(before);
    expect([...host.calls.map(({ command }) => command), ...product.commands].filter(isChange)).toEqual([]);
  });

  it('reports what is left to read of mobyvm while it does not run, and a link in the place of its folder', async () => {
    await product.install(host, programs);
    await rm(join(folder, 'mobyvm/logs'), { recursive: true });
    await programs.write('whoami', [
      'VORDEFINIERT\\Administratoren  Alias  S-1-5-32-544',
      `docker-users  Alias  ${DOCKER_USERS}  `,
    ]);
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(folder, 'mobyvm/logs'));
    const report = await verify();
    expect(report.results.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(valuesOf(report)).toMatchObject({
      ...{ 'service mobyvm': { state: 'Stopped' }, 'list of named pipes': { all: 2, mobyvm: 'not running' } },
      ...{ 'pipe mobyvm_engine': 'not running', 'pipe docker_engine': 'not running' },
      ...{ 'group docker-users': { found: true, member: true } },
      ...{ 'folder logs': { found: true, link: true }, 'folder run': { found: true, link: false } },
    });
    expect(product.connections).toEqual([]);
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
    const command = [await consoleProgram(), '-NoProfile', '-NonInteractive', '-File', SESSION];
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
