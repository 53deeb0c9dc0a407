import { describe, expect, it } from 'vitest';
import { run, type RunResult } from '../../src/core/host/index.js';
import { settableAvailability } from '../support/engine-availability.js';
import { fakeEngine } from '../support/engine-fake.js';
import { testEndpoint, testFolder, until } from '../support/engine-sockets.js';

const hasDocker = await run('docker', ['--version']).then(
  () => true,
  () => false,
);
// A skipped test is easily taken for a passed one.
if (!hasDocker) process.stderr.write('SKIPPED: there is no docker CLI on this machine.\n');

describe.runIf(hasDocker)('the docker CLI through the engine endpoint', () => {
  it('lists containers and shows versions', async () => {
    await using folder = await testFolder();
    await using engine = await fakeEngine();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    expect((await docker(endpoint.path, ['ps', '--format', '{{.Names}} {{.Status}}'])).stdout).toBe(
      'web Up 2 hours\n',
    );
    expect((await docker(endpoint.path, ['version', '--format', '{{.Server.Version}}'])).stdout).toBe(
      '28.2.2-fake\n',
    );
    await until('all to be closed', () => endpoint.stats.open === 0);
  });

  it.each([0, 1, 100_000])('receives output that follows the end of its input of %i lines', async (lines) => {
    await using folder = await testFolder();
    await using engine = await fakeEngine();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const input = Array.from({ length: lines }, (_, index) => String(lines - index).padStart(7, '0'));
    const { stdout } = await docker(endpoint.path, ['exec', '-i', 'web', 'sort'], input.join('\n'));
    const sorted = `${[...input].sort().join('\n')}\n`;
    // Compared here, since a difference of this size drowns the report.
    expect({ length: stdout.length, isSorted: stdout === sorted }).toEqual({
      length: sorted.length,
      isSorted: true,
    });
    await until('all to be closed', () => endpoint.stats.open === 0);
  });

  it('waits for an engine that is starting and then works', async () => {
    await using folder = await testFolder();
    await using engine = await fakeEngine();
    const availability = settableAvailability({ kind: 'starting', step: 'booting' });
    await using endpoint = await testEndpoint(folder, { availability });
    const listing = docker(endpoint.path, ['ps', '--quiet']);
    await until('the CLI to wait', () => endpoint.stats.waiting === 1);
    availability.set({ kind: 'ready', dial: engine.dial });
    expect((await listing).stdout).toBe('c0ffeec0ffee\n');
  });

  it('prints the step after the wait, and fails', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'starting', step: 'waiting for the guest to boot' }),
      waitMs: 50,
    });
    const { stderr, exitCode } = await docker(endpoint.path, ['ps']);
    expect(stderr.trim()).toBe(
      'Error response from daemon: mobyvm is starting: waiting for the guest to boot',
    );
    expect(exitCode).toBe(1);
  });

  it('prints what to run when mobyvm is stopped', async () => {
    await using folder = await testFolder();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'stopped' }),
    });
    const { stderr } = await docker(endpoint.path, ['ps']);
    expect(stderr.trim()).toBe('Error response from daemon: mobyvm is stopped. Start it with `mobyvm up`.');
  });

  it('works with 40 clients at a time', async () => {
    await using folder = await testFolder();
    await using engine = await fakeEngine();
    await using endpoint = await testEndpoint(folder, {
      availability: settableAvailability({ kind: 'ready', dial: engine.dial }),
    });
    const all = await Promise.all(Array.from({ length: 40 }, () => docker(endpoint.path, ['ps', '--quiet'])));
    expect(all.map(({ stdout }) => stdout)).toEqual(Array(40).fill('c0ffeec0ffee\n'));
  });
});

function docker(path: string, args: readonly string[], input?: string): Promise<RunResult> {
  return run('docker', ['--host', `unix://${path}`, ...args], {
    ...(input === undefined ? {} : { input }),
    acceptExitCodes: [0, 1],
    timeoutMs: 50_000,
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', DOCKER_CONFIG: '/nonexistent' },
  });
}
