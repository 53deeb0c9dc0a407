import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { hostReport, type Finding } from '../../src/protocol/messages.js';
import { compiledSource, compiledSupport } from '../support/compiled.js';
import { evidenceOf, flawsOfDiagnosis } from '../support/diagnosed-fault.js';
import { environmentOf } from '../support/instance-folder.js';
import { NetworkNamespace, type RunningProgram } from '../support/netns.js';

/** Those of the twenty faults of docs/faults.md that need no guest: a namespace stands in for the host. */
let host: NetworkNamespace;
beforeEach(async () => {
  host = await NetworkNamespace.create('host');
});
afterEach(() => host[Symbol.asyncDispose]());

// Once for all tests: it may take longer than one of them.
beforeAll(async () => {
  await Promise.all([compiledSource(), compiledSupport()]);
}, 240_000);

/** Runs a command in that network, whatever its exit code. */
async function mobyvm(args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const program = join(await compiledSource(), 'main.js');
  const { stdout } = await host.run(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    acceptExitCodes: [0, 1],
    timeoutMs: 120_000,
  });
  return stdout;
}

/** Looks for a fault in a diagnosis. @param fault as docs/faults.md names it */
async function expectDiagnosed(
  fault: string,
  id: string,
  { folder, env }: { readonly folder: string; readonly env: Readonly<Record<string, string>> },
  evidence = evidenceOf(fault),
): Promise<void> {
  const path = join(folder, 'diagnosis.zip');
  await mobyvm(['diagnose', '--out', path, '--force'], env);
  expect(await flawsOfDiagnosis(path, { id, evidence })).toEqual([]);
}

describe('before the start, doctor names first', () => {
  let folder: string;
  const put = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mobyvm-faults-'));
    await mkdir(join(folder, 'image'));
    const sha256 = createHash('sha256').update('as built').digest('hex');
    const files = { 'mobyvm.iso': { size: 8, sha256 } };
    await put('image/mobyvm.iso', 'as built');
    await put('image/manifest.json', JSON.stringify({ schemaVersion: 1, recipe: 'debian', files }));
    const image = { directory: join(folder, 'image') };
    await put('settings.json', JSON.stringify({ image, network: { subnet: '10.0.75.0/24' } }));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function first(): Promise<Finding | undefined> {
    const stdout = await mobyvm(['doctor', '--json'], environmentOf(folder));
    return hostReport.parse(JSON.parse(stdout)).findings[0];
  }

  const expectEvidence = (fault: string, id: string, evidence?: readonly string[]): Promise<void> =>
    expectDiagnosed(fault, id, { folder, env: environmentOf(folder) }, evidence);

  test('nothing on a host that is well', async () => {
    expect((await first())?.verdict).not.toBe('problem');
  });

  test('the program that has port 53', async () => {
    const own = ['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user=root', '--no-hosts'];
    const server = host.start('dnsmasq', [...own, '--no-resolv', '--log-facility=-']);
    await server.line(/started/);
    expect(await first()).toMatchObject({
      id: 'ports',
      verdict: 'problem',
      detail: expect.stringMatching(/^"dnsmasq" \(pid \d+\) uses UDP port 53 on all addresses/) as string,
    });
    await expectEvidence('port 53 is taken', 'ports');
  });

  test('the route of a VPN over the subnet', async () => {
    await host.addBridge('vpn0', ['192.0.2.1/24']);
    await host.ip('route', 'add', '10.0.0.0/16', 'via', '192.0.2.2');
    expect(await first()).toMatchObject({
      id: 'subnet',
      verdict: 'problem',
      detail: expect.stringMatching(/^The subnet 10\.0\.75\.0\/24 is in use on this host: .*vpn0/) as string,
    });
    await expectEvidence('a VPN has a route over the subnet', 'subnet');
  });

  test('the boot image that is corrupt', async () => {
    await put('image/mobyvm.iso', 'as burnt');
    expect(await first()).toMatchObject({
      id: 'image',
      verdict: 'problem',
      detail: expect.stringMatching(/its SHA-256 is .* and should be/) as string,
      remedy: expect.stringContaining('mobyvm image build') as string,
    });
    await expectEvidence('the boot image (ISO) is corrupt', 'image');
  });

  test.each([
    ['machine.json', 'machine-id', ' is not a valid mobyvm state file', 'recognize its own VM'],
    [
      'ledger.json',
      'ledger',
      ", mobyvm's list of what it created on this machine, cannot be parsed",
      'backup',
    ],
    ['shares.json', 'shares-file', ' is not a valid mobyvm state file', 'start without shares'],
  ])('a state file that is corrupt: %s', async (name, probe, says, remedy) => {
    await put(name, '{"version": 1, "sha');
    expect(await first()).toMatchObject({
      id: 'state-files',
      verdict: 'problem',
      detail: `${join(folder, name)}${says}`,
      remedy: expect.stringContaining(remedy) as string,
    });
    const fault = 'a state file is corrupt';
    expect(evidenceOf(fault)).toContain(probe);
    await expectEvidence(fault, 'state-files', [probe]);
  });
});

describe('while the machine is up, doctor names first', () => {
  let program: RunningProgram;
  let requests = 0;
  beforeEach(async () => {
    const script = join(await compiledSupport(), 'test/support/assembly/linux-program.js');
    program = host.start(process.execPath, [script]);
    await ask('operate', { operation: { name: 'up' } });
    expect(await notFine()).toEqual([]);
  });
  // The program ends with its input, and deletes its folder.
  afterEach(async () => {
    program.endInput();
    await program.exit;
  });

  async function ask(what: string, more: object = {}): Promise<unknown> {
    const id = ++requests;
    program.send(JSON.stringify({ ...more, id, do: what }));
    const line = await program.line(new RegExp(`^answer ${id} `), 60);
    return JSON.parse(line.replace(/^answer \d+ /, ''));
  }

  async function notFine(): Promise<readonly Finding[]> {
    const { findings } = hostReport.parse({ findings: await ask('doctor') });
    return findings.filter(({ verdict }) => verdict !== 'fine');
  }

  async function deleteNatRule(): Promise<void> {
    const table = ['inet', 'mobyvm_mobyvm0'];
    const { stdout } = await host.run('nft', ['-a', 'list', 'table', ...table]);
    const chain = /chain (\S+) \{[^}]*masquerade[^}]*?# handle (\d+)/.exec(stdout)?.[1] ?? '';
    const handle = /masquerade.*# handle (\d+)/.exec(stdout)?.[1] ?? '';
    await host.run('nft', ['delete', 'rule', ...table, chain, 'handle', handle]);
  }

  test.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'bridge or switch is removed',
      () => host.ip('link', 'delete', 'mobyvm0'),
      'network-bridge',
      /^missing$/,
    ],
    ['the NAT rule is removed', deleteNatRule, 'network-firewall', /^changed by another program$/],
    ['the rules are flushed', () => host.run('nft', ['flush', 'ruleset']), 'network-firewall', /^missing$/],
    [
      'forwarding is off',
      () => host.run('sysctl', ['-qw', 'net.ipv4.ip_forward=0']),
      'network-forwarding',
      /^changed: net\.ipv4\.ip_forward$/,
    ],
  ])('what it is when %s, and nothing when that is repaired', async (fault, breakIt, id, detail) => {
    const { folder } = z.object({ folder: z.string() }).parse(await ask('serve'));
    await breakIt();
    const [first] = await notFine();
    expect(first).toMatchObject({
      id,
      verdict: 'problem',
      isFixable: true,
      detail: expect.stringMatching(detail) as string,
      remedy: expect.stringContaining('mobyvm doctor --fix') as string,
    });
    const env = {
      MOBYVM_STATE_DIR: join(folder, 'state'),
      MOBYVM_RUN_DIR: join(folder, 'run'),
      MOBYVM_LOG_DIR: join(folder, 'log'),
      MOBYVM_SETTINGS: join(folder, 'settings.json'),
    };
    await expectDiagnosed(fault, id, { folder, env });
    await ask('repair');
    expect(await notFine()).toEqual([]);
  });

  test('the network of another instance, the twin of this one', async () => {
    await host.ip('link', 'delete', 'mobyvm0');
    await host.addBridge('mobyvm0');
    await host.ip('link', 'set', 'dev', 'mobyvm0', 'alias', 'mobyvm:another');
    expect((await notFine())[0]).toMatchObject({
      id: 'network-bridge',
      verdict: 'problem',
      detail: expect.stringContaining('mobyvm:another') as string,
      remedy: expect.stringContaining('network.bridge') as string,
    });
    await host.ip('link', 'delete', 'mobyvm0');
    await ask('operate', { operation: { name: 'down' } });
  });
});
