import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { askLinuxSide, serveConsole, unansweredCalls } from './linux-side.js';
import { installPowerShellRelay } from './powershell-relay.js';

const FOLDER = "C:\\Prögram Files\\O'Brien & Söhne\\mobyvm";
const IMAGE = 'C:\\Ümage';
const HOME = 'C:\\ProgramData\\mobyvm';
/** Of a start whose guest says nothing; the least that the settings allow. */
const SHORT_BOOT_SECONDS = 10;

mkdirSync(FOLDER, { recursive: true });
cpSync('Z:\\project\\build\\windows-product\\stage', FOLDER, { recursive: true });
installPowerShellRelay();
writeImage();
serveConsole().unref();
const untouched = await askLinuxSide('snapshot');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function mobyvm(...args: readonly string[]): Promise<Ended> {
  const child = spawn(`${FOLDER}\\node.exe`, [`${FOLDER}\\lib\\main.js`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

/** A boot image that passes its check. */
function writeImage(): void {
  const iso = 'not really an ISO';
  mkdirSync(IMAGE);
  writeFileSync(`${IMAGE}\\mobyvm.iso`, iso);
  const sha256 = createHash('sha256').update(iso).digest('hex');
  const files = { 'mobyvm.iso': { size: iso.length, sha256 } };
  writeFileSync(`${IMAGE}\\manifest.json`, JSON.stringify({ schemaVersion: 1, recipe: 'test', files }));
}

function writeSettings(settings: object): void {
  mkdirSync(HOME, { recursive: true });
  const text = JSON.stringify({ image: { directory: IMAGE }, ...settings });
  writeFileSync(`${HOME}\\settings.json`, text);
}

/** The titles of the steps that a command's output has at its lines with the mark. */
function stepsWith(mark: string, output: string): readonly string[] {
  return output
    .split('\n')
    .flatMap((line) => (line.startsWith(`${mark} `) ? [line.slice(2).split('  ')[0]!] : []));
}

function versionFrom(pipe: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: `\\\\.\\pipe\\${pipe}`, path: '/version', agent: false },
      (response) => {
        json(response).then(resolve, reject);
      },
    );
    asked.once('error', reject).end();
  });
}

describe('a machine on Windows, from doctor to uninstall', () => {
  it('doctor tells the facts of the host, and finds no problem', async () => {
    expect((await mobyvm('doctor')).stdout).toMatch(/^PROBLEM +[Bb]oot image /m);
    writeSettings({});
    const { code, stdout } = await mobyvm('doctor');
    expect(stdout).toMatch(/^ok +Windows +Microsoft Windows 11 Pro, build 22631$/m);
    expect(stdout).toMatch(/^ok +Hyper-V feature +enabled$/m);
    expect(stdout).toMatch(/^ok +Rules that block mobyvm +none for C:\\Prögram Files\\O'Brien & Söhne\\/m);
    expect(stdout).toMatch(/^note +Ports 53, 67 and 445 +Windows' connection sharing/m);
    expect(stdout).not.toContain('PROBLEM');
    expect(code).toBe(0);
  });

  it('an up whose guest says nothing fails at that step and undoes all others', async () => {
    writeSettings({ vm: { bootTimeoutSeconds: SHORT_BOOT_SECONDS } });
    expect(await mobyvm('service', 'install')).toMatchObject({ code: 0, stderr: '' });
    const { code, stderr } = await mobyvm('up');
    expect(stepsWith('✗', stderr)).toEqual(['guest configuration']);
    expect(stderr).toContain('MOBYVM_');
    expect(stderr).not.toContain('MOBYVM_BUG');
    expect(code).toBe(1);
    const undone = stepsWith('↩', stderr).map((step) => step.replace(/ (mobyvm-.*)?undone$/, ''));
    expect(undone).toEqual(expect.arrayContaining(['virtual machine', 'firewall rules', 'switch mobyvm']));
    expect(await askLinuxSide('snapshot')).toEqual(untouched);
    expect(await mobyvm('status')).toMatchObject({
      stdout: expect.stringMatching(/^state +failed /) as string,
    });
  });

  it('an up whose guest answers is done, and both pipes lead to its engine', async () => {
    writeSettings({});
    await askLinuxSide('guest', 'answers');
    const { code, stdout, stderr } = await mobyvm('up');
    expect(stepsWith('✗', stderr)).toEqual([]);
    expect(stepsWith('✓', stderr)).toEqual(
      expect.arrayContaining([
        'switch mobyvm',
        'firewall rules',
        'DNS server',
        'virtual machine',
        'Docker Engine',
      ]),
    );
    expect(stdout).toContain('mobyvm is up: Docker 28.2.2-fake at 10.0.75.2.');
    expect(code).toBe(0);
    for (const pipe of ['docker_engine', 'mobyvm_engine'])
      expect(await versionFrom(pipe)).toMatchObject({ Version: '28.2.2-fake', NewerField: { kept: true } });
    expect(await askLinuxSide('snapshot')).toMatchObject({
      machines: [
        {
          ...{ Name: 'MobyLinuxVM', State: 'Running', Generation: 2 },
          HardDrives: [
            { Path: expect.stringMatching(/\/ProgramData\/mobyvm\/state\/vm\/.*\.vhdx$/) as string },
          ],
          DVDDrives: [{ Path: expect.stringMatching(/\/Ümage\/mobyvm\.iso$/) as string }],
        },
      ],
    });
  });

  it('status says so', async () => {
    const { code, stdout } = await mobyvm('status', '--verbose');
    expect(stdout).toMatch(/^state +running since /);
    expect(stdout).toMatch(/^engine +Docker 28\.2\.2-fake \(API 1\.50\) answers$/m);
    expect(stdout).toMatch(/^system +Simulated Linux, 10\.0\.75\.2$/m);
    expect(stdout).toMatch(/^network +mobyvm, 10\.0\.75\.0\/24, host 10\.0\.75\.1, VM 10\.0\.75\.2$/m);
    expect(code).toBe(0);
  });

  it('items, shares, logs and a diagnosis are asked for as on Linux', async () => {
    expect(await mobyvm('kvp', 'set', 'greeting', 'grüß dich')).toMatchObject({ code: 0, stderr: '' });
    expect((await mobyvm('kvp', 'list')).stdout).toContain('grüß dich');
    expect(await mobyvm('kvp', 'remove', 'greeting')).toMatchObject({ code: 0, stderr: '' });
    expect((await mobyvm('kvp', 'list')).stdout).not.toContain('greeting');
    expect(await mobyvm('share', 'list')).toMatchObject({ code: 0, stderr: '' });
    expect((await mobyvm('share', 'check', 'Q')).stderr).toContain('MOBYVM_SHARE');
    expect((await mobyvm('logs', '--lines', '1000')).stdout).toContain('daemon.started');
    expect(await mobyvm('console', '--lines', '5')).toMatchObject({ code: 0 });
    const zip = 'C:\\diagnosis.zip';
    expect(await mobyvm('diagnose', '--out', zip)).toMatchObject({ code: 0 });
    expect(readFileSync(zip).subarray(0, 2).toString()).toBe('PK');
  });

  it('doctor --fix puts back what another program has removed', async () => {
    const problems = async (): Promise<readonly string[]> =>
      (await mobyvm('doctor')).stdout.split('\n').filter((line) => line.startsWith('PROBLEM'));
    const before = await problems();
    expect(await askLinuxSide('remove NAT networks')).toBe(1);
    expect(await problems()).toContainEqual(expect.stringContaining('NAT'));
    await mobyvm('doctor', '--fix', '--yes');
    expect(await problems()).toEqual(before);
  });

  it('down removes the network and keeps the definition of the VM and its disk', async () => {
    const { code, stdout } = await mobyvm('down', '--stop');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'mobyvm is down. Images, containers and volumes are kept.\n',
    });
    const { machines, ...network } = (await askLinuxSide('snapshot')) as { machines: readonly object[] };
    expect(machines).toMatchObject([{ State: 'Off' }]);
    expect({ machines: [], ...network }).toEqual(untouched);
    expect(await mobyvm('status')).toMatchObject({
      code: 1,
      stdout: 'mobyvm is not running. Start it with `mobyvm up`.\n',
    });
  });

  it('uninstall leaves nothing on the host', async () => {
    expect(await mobyvm('uninstall', '--yes')).toMatchObject({
      code: 0,
      stdout: 'mobyvm was uninstalled.\n',
    });
    expect(await mobyvm('service', 'uninstall')).toMatchObject({ code: 0 });
    expect(await askLinuxSide('snapshot')).toEqual(untouched);
    expect(await unansweredCalls()).toEqual([]);
    expect(readdirSync(HOME, { recursive: true })).toEqual(['settings.json']);
  });
});
