import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { run } from '../../src/core/host/index.js';
import { hostReport } from '../../src/protocol/messages.js';
import { Instance } from '../support/instance.js';
import { unzip } from '../support/unzip.js';
import { startMachine } from '../support/vm/started-machine.js';

/** `mobyvm diagnose` and `doctor --fix` with a real machine, alive and then dead in parts. */
const SECRET = 'Plant3d-in-the-items-0123456789';
let instance: Instance;
beforeAll(async () => {
  instance = await Instance.create();
  await startMachine(instance);
});
afterAll(() => instance[Symbol.asyncDispose]());

const results = z.object({
  probes: z.array(z.object({ id: z.string(), verdict: z.string(), reason: z.string() })),
});

async function bundle() {
  const path = join(instance.directory, 'diagnosis.zip');
  const { exitCode, stderr } = await instance.mobyvm(['diagnose', '--out', path, '--force']);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const files = unzip(await readFile(path));
  const { probes } = results.parse(JSON.parse(files.get('results.json') ?? ''));
  return { files, verdict: (id: string) => probes.find((each) => each.id === id)?.verdict };
}

test('everything of a running machine is collected, but no secret', async () => {
  await instance.mobyvm(['kvp', 'set', 'planted', '--secret'], { input: SECRET });
  const images = await instance.docker(['images', '--all', '--quiet']);
  const { files, verdict } = await bundle();
  for (const id of [
    'status',
    'doctor',
    'leases',
    'dns-status',
    'kvp-host',
    'kvp-intrinsic',
    'shares',
    'engine-info',
  ])
    expect(verdict(id), id).toBe('ok');
  for (const id of [
    'engine-disk',
    'containers',
    'engine-networks',
    'vm-records',
    'data-disk',
    'namespace-firewall',
    'guest-dmesg',
    'guest-services',
    'guest-file-systems',
  ])
    expect(verdict(id), id).toBe('ok');
  expect(files.get('evidence/guest-dmesg.txt')).toMatch(/^\[ *\d+\.\d+\] /m);
  expect(files.get('evidence/guest-services.txt')).toMatch(/^ docker +\[ +started/m);
  expect(files.get('evidence/guest-file-systems.txt')).toMatch(
    /^Filesystem +1024-blocks[^]+^Filesystem +Inodes/m,
  );
  expect(files.get('evidence/namespace-addresses.txt')).toContain('mobyvm0');
  expect(files.get('evidence/console.txt')).toMatch(/^\[mobyvm [\d.]+\] \w+: /m);
  expect(files.get('evidence/kvp-host.json')).toContain('planted');
  expect([...files.values()].join('\n').includes(SECRET)).toBe(false);
  expect(await instance.docker(['ps', '--all', '--quiet'])).toBe('');
  expect(await instance.docker(['images', '--all', '--quiet'])).toBe(images);
});

test('doctor --fix repairs at once what another program removed', async () => {
  const inside = (...args: readonly string[]) => run('ip', ['-n', instance.namespace, ...args]);
  await inside('address', 'flush', 'dev', 'mobyvm0');
  const { stdout } = await instance.mobyvm(['doctor', '--fix', '--yes', '--json']);
  expect((await inside('address', 'show', 'dev', 'mobyvm0')).stdout).toContain('inet 10.');
  const { findings } = hostReport.parse(JSON.parse(stdout));
  const problems = findings.filter(({ verdict }) => verdict === 'problem').map(({ id }) => id);
  // The namespace has no way to the host's DNS servers.
  expect(problems.filter((id) => id !== 'dns')).toEqual([]);
});

test('with the daemon and QEMU killed, what is left is collected', async () => {
  process.kill(await instance.qemuPid(), 'SIGKILL');
  const withoutVm = await bundle();
  expect(withoutVm.verdict('status')).toBe('ok');
  expect(withoutVm.verdict('engine-info')).not.toBe('ok');
  expect(withoutVm.verdict('guest-dmesg')).toBe('absent');
  process.kill(await instance.daemonPid(), 'SIGKILL');
  const { files, verdict } = await bundle();
  expect(verdict('status')).toBe('absent');
  for (const id of ['doctor', 'daemon-log', 'console', 'namespace-routes', 'ledger'])
    expect(verdict(id), id).toBe('ok');
  expect(files.get('evidence/daemon-process.json')).toContain('"isAlive": false');
});

/** The PowerShell that the tier "powershell" has installed. */
const PWSH = process.env['MOBYVM_TEST_PWSH'];

describe.skipIf(PWSH === undefined)('the PowerShell module', () => {
  async function powerShell(script: string): Promise<unknown> {
    const module = resolve(import.meta.dirname, '../../scripts/MobyVm');
    const command = `Import-Module '${module}'; ${script} 3>$null | ConvertTo-Json -Depth 5 -Compress`;
    const { stdout } = await run(PWSH ?? '', ['-NoProfile', '-NonInteractive', '-Command', command], {
      env: { ...process.env, ...instance.env, NO_COLOR: '1' },
      timeoutMs: 300_000,
    });
    return stdout.trim() === '' ? undefined : JSON.parse(stdout);
  }

  test('reports a real machine on Linux as the commands do', async () => {
    await instance.up();
    const asked = [
      'Status = Get-MobyVmStatus',
      'Switch = Get-MobyVmSwitch',
      'Log = @(Get-MobyVmLog)[0]',
      'Console = @(Get-MobyVmConsole)[0]',
    ];
    expect(await powerShell(`@{ ${asked.join('; ')} }`)).toMatchObject({
      Status: { Source: 'daemon', State: 'running', EngineReachable: true, VmAddress: '10.0.75.2' },
      Switch: { Source: 'daemon', Address: ['10.0.75.1'] },
      Log: { Level: expect.any(String) as string },
      Console: expect.anything() as unknown,
    });
  });

  test('sets, lists and removes an item of a real machine', async () => {
    const value = 'Grüße <&> "x"';
    const greeting = 'Get-MobyVmKvp -Pool Host -Name greeting';
    const set = `$null = Set-MobyVmKvp -Name greeting -Value '${value}' -Confirm:$false; ${greeting}`;
    expect(await powerShell(set)).toMatchObject({ Name: 'greeting', Value: value, Source: 'daemon' });
    expect(
      await powerShell(`$null = Remove-MobyVmKvp -Name greeting -Confirm:$false; ${greeting}`),
    ).toBeUndefined();
  });
});
